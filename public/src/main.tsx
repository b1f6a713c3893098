import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/packets.css";
import "./styles/detail.css";

import { render } from "preact";
import { App } from "./App";
import { startClock } from "./state/clock";
import { startConnection } from "./state/connection";
import { startLocation } from "./state/location";
import { startSettings } from "./state/settings";
import { startStats } from "./state/stats";

const root = document.getElementById("app");
if (!root) throw new Error("index.html has no #app");

startSettings();
startLocation();
startClock();
startConnection();
startStats();
render(<App />, root);
