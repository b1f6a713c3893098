import { useEffect } from "preact/hooks";
import { Link } from "../components/Link";
import { Message } from "../components/Message";
import { TopStrip } from "../components/TopStrip";
import { connection } from "../state/connection";

interface Props {
  path: string;
}

/** Stands at every address that leads nowhere. */
export function NotFound({ path }: Props) {
  useEffect(() => {
    document.title = "Page not found · CoreScope";
  }, []);
  return (
    <>
      <TopStrip title="Page not found" connection={connection.value} />
      <main class="page-message">
        <Message
          icon="search"
          title="There is no page at this address"
          actions={
            <Link to="/packets" class="button">
              Go to the packets
            </Link>
          }
        >
          <p class="mono address">{path}</p>
        </Message>
      </main>
    </>
  );
}
