import { payloadTypes } from "../lib/payload";
import { roleNames, type Role } from "../lib/role";
import { Icon } from "./Icon";
import { RoleShape } from "./RoleShape";
import { TypeBadge } from "./TypeBadge";

const roles: readonly Role[] = ["repeater", "companion", "room", "sensor"];

/** A button that opens what codes, colours and shapes mean. */
export function Legend() {
  return (
    <>
      <button type="button" class="icon-button" popovertarget="legend" title="What the codes mean" aria-label="What the codes mean">
        <Icon name="info" />
      </button>
      <div id="legend" popover="auto" class="legend" role="dialog" aria-label="What the codes mean">
        <h2>Types</h2>
        <ul>
          {payloadTypes.map((type) => (
            <li key={type.id}>
              <TypeBadge type={type.id} />
              <span class="legend-name">{type.short}</span>
              <span class="muted">{type.long}</span>
            </li>
          ))}
        </ul>
        <h2>Roles</h2>
        <ul class="legend-roles">
          {roles.map((role) => (
            <li key={role}>
              <RoleShape role={role} />
              <span>{roleNames[role]}</span>
            </li>
          ))}
        </ul>
        <p class="muted">Hops, SNR and RSSI are those of the reception with the longest path.</p>
      </div>
    </>
  );
}
