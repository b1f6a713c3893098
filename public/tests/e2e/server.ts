// Starting the real things: mosquitto on a free port, corescope in a folder of its own. Both end with the test.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { test as base } from "@playwright/test";

const run = promisify(execFile);

const CORESCOPE = resolve(process.env["CORESCOPE_BIN"] ?? "../target/debug/corescope");
const MOSQUITTO = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/usr/local/sbin/mosquitto"].find(existsSync);

/** Longest a program may take to be ready. */
const START_MS = 20_000;

/** A running CoreScope. */
export class CoreScope {
  constructor(
    private readonly child: ChildProcess,
    /** Where the page is. */
    readonly url: string,
  ) {}

  /** Ends the program as an operator would, and waits for it. */
  async stop(): Promise<void> {
    await ended(this.child, "SIGTERM");
  }
}

/** A running broker. */
export class Broker {
  constructor(
    private readonly child: ChildProcess,
    readonly port: number,
  ) {}

  /** Publishes `message` as an observer does. */
  async publish(topic: string, message: unknown): Promise<void> {
    await run("mosquitto_pub", ["-h", "127.0.0.1", "-p", String(this.port), "-t", topic, "-m", JSON.stringify(message)]);
  }

  async stop(): Promise<void> {
    await ended(this.child, "SIGTERM");
  }
}

interface Fixtures {
  folder: string;
  broker: Broker;
  /** Starts CoreScope with these arguments, on a free port, in the test's folder. */
  start: (...args: string[]) => Promise<CoreScope>;
}

export const test = base.extend<Fixtures>({
  folder: async ({}, use) => {
    const folder = mkdtempSync(join(tmpdir(), "corescope-e2e-"));
    await use(folder);
    rmSync(folder, { recursive: true, force: true });
  },

  broker: async ({ folder }, use) => {
    if (MOSQUITTO === undefined) throw new Error("mosquitto is not installed");
    const port = await freePort();
    const config = join(folder, "mosquitto.conf");
    writeFileSync(config, `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\nuser root\n`);
    const child = spawn(MOSQUITTO, ["-v", "-c", config], { stdio: ["ignore", "ignore", "pipe"] });
    await line(child, /running/);
    const broker = new Broker(child, port);
    await use(broker);
    await broker.stop();
  },

  start: async ({ folder }, use) => {
    const started: CoreScope[] = [];
    await use(async (...args) => {
      const port = args.includes("--port") ? [] : ["--port", "0"];
      const child = spawn(CORESCOPE, ["--bind", "127.0.0.1", ...port, ...args], {
        cwd: folder,
        stdio: ["ignore", "ignore", "pipe"],
      });
      const [, url] = await line(child, /url="?(http:[^\s"]+)/, args.includes("--mqtt-broker") ? /connected to broker/ : undefined);
      const corescope = new CoreScope(child, url ?? "");
      started.push(corescope);
      return corescope;
    });
    for (const corescope of started) await corescope.stop();
  },
});

export { expect } from "@playwright/test";

/** Waits for a line of the program's log (and for `also`); the match of the first. */
async function line(child: ChildProcess, pattern: RegExp, also?: RegExp): Promise<RegExpMatchArray> {
  return new Promise((found, failed) => {
    const log: string[] = [];
    let match: RegExpMatchArray | null = null;
    let alsoSeen = also === undefined;
    const give = (why: string) => failed(new Error(`${why}; its log:\n${log.join("\n")}`));
    const timer = setTimeout(() => give("the program is not ready"), START_MS);
    child.once("exit", (code) => give(`the program ended with ${String(code)}`));
    if (child.stderr === null) throw new Error("stderr is piped");
    createInterface({ input: child.stderr }).on("line", (text) => {
      log.push(text);
      match ??= text.match(pattern);
      alsoSeen ||= also?.test(text) ?? false;
      if (match !== null && alsoSeen) {
        clearTimeout(timer);
        found(match);
      }
    });
  });
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((done) => child.once("exit", done));
  child.kill(signal);
  await exit;
}

async function freePort(): Promise<number> {
  return new Promise((found) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => found(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
