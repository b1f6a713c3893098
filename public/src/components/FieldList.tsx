import type { Field } from "../lib/fields";
import { MISSING } from "../lib/format";

function Value({ field }: { field: Field }) {
  if (field.kind === "list") return <FieldList fields={field.fields ?? []} />;
  const text = field.value || MISSING;
  if (field.kind === "radio") return <bdi class="name">{text}</bdi>;
  return (
    <>
      <span class={field.kind === "hex" ? "mono" : "num"}>{text}</span>
      {field.unit && <span class="unit"> {field.unit}</span>}
    </>
  );
}

interface Props {
  fields: readonly Field[];
}

/** Decoded fields with their names and units. */
export function FieldList({ fields }: Props) {
  return (
    <dl class="fields">
      {fields.map((field) => (
        <div key={field.key} class={field.kind === "list" ? "field field-nested" : "field"}>
          <dt title={field.key}>{field.label}</dt>
          <dd>
            <Value field={field} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
