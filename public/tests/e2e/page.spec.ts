// The page as people meet it: at once, on any screen, by keyboard, and for those who listen to it.

import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "./server";

const ROW = ".row[data-hash]";
const SCREENS = [
  { name: "desktop", width: 1440, height: 900 },
  { name: "phone", width: 390, height: 844 },
] as const;

test("a newcomer sees packets within five seconds of the start", async ({ page, start }) => {
  const started = Date.now();
  const { url } = await start("--demo");
  await page.goto(url);
  await expect(page.locator(ROW).first()).toBeVisible({ timeout: 5_000 });
  const took = Date.now() - started;
  console.log(`  start to first packet: ${took} ms`);
  expect(took).toBeLessThan(5_000);
  expect(new URL(page.url()).pathname).toBe("/packets");
});

test("an empty server says so and tells what to do", async ({ page, broker, start }) => {
  const { url } = await start("--mqtt-broker", `mqtt://127.0.0.1:${broker.port}`);
  await page.goto(url);
  await expect(page.getByText("No packets yet")).toBeVisible();
});

for (const { name, width, height } of SCREENS) {
  for (const colorScheme of ["dark", "light"] as const) {
    test(`list and detail are accessible and fit: ${name}, ${colorScheme}`, async ({ browser, start }) => {
      const { url } = await start("--demo", "--speed", "0");
      const context = await browser.newContext({ viewport: { width, height }, colorScheme });
      const page = await context.newPage();
      const problems: string[] = [];
      page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
      page.on("pageerror", (error) => problems.push(error.message));
      await page.goto(url);
      await expect(page.locator(ROW).first()).toBeVisible();
      const check = async () => {
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`)).toEqual([]);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(overflow).toBeLessThanOrEqual(0);
      };
      await check();
      await page.locator(ROW).first().click();
      await expect(page.getByRole("heading", { name: "Decoded" })).toBeVisible();
      await check();
      expect(problems).toEqual([]);
      await context.close();
    });
  }
}

test("a packet is opened and closed by keyboard, and the focus comes back", async ({ page, start }) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  const { url } = await start("--demo", "--speed", "0");
  await page.goto(url);
  const rows = page.locator(ROW);
  await expect(rows.first()).toBeVisible();
  await rows.first().focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  const hash = await page.evaluate(() => document.activeElement?.getAttribute("data-hash"));
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`/packets/${hash}$`));
  await page.keyboard.press("Escape");
  await expect(page).toHaveURL(/\/packets$/);
  await expect(page.locator(`${ROW}[data-hash="${hash}"]`)).toBeFocused();
});

test("an address of the old page leads to the new one", async ({ page, start }) => {
  const { url } = await start("--demo", "--speed", "0");
  await page.goto(url);
  const hash = await page.locator(ROW).first().getAttribute("data-hash");
  await page.goto("about:blank");
  await page.goto(`${url}/#/packets/${hash}`);
  await expect(page).toHaveURL(`${url}/packets/${hash}`);
  await expect(page.getByRole("heading", { name: "Decoded" })).toBeVisible();
});

test("a packet that is not stored is answered with a way back", async ({ page, start }) => {
  const { url } = await start("--demo", "--speed", "0");
  await page.goto(`${url}/packets/0000000000000000`);
  await expect(page.getByText(/not \(or no longer\) stored/)).toBeVisible();
});
