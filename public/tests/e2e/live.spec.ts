// From the broker to the open page.

import { advert } from "./advert";
import { expect, test } from "./server";

const ROW = ".row[data-hash]";

test("a packet published to the broker appears in the open page without reload, within a second", async ({
  page,
  broker,
  start,
}) => {
  const { url } = await start("--mqtt-broker", `mqtt://127.0.0.1:${broker.port}`);
  await page.goto(url);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await expect(page.locator(ROW)).toHaveCount(0);
  let loads = 0;
  page.on("load", () => loads++);
  for (const number of [1, 2, 3, 4, 5]) {
    const published = Date.now();
    await broker.publish("meshcore/ZRH/roof/packets", { raw: advert(`Node ${number}`), SNR: 7.5, direction: "rx" });
    await expect(page.locator(ROW).filter({ hasText: `Node ${number}` })).toBeVisible({ timeout: 1_000 });
    console.log(`  published to visible: ${Date.now() - published} ms`);
  }
  expect(loads).toBe(0);
});

test("a second observer of the same packet joins its row", async ({ page, broker, start }) => {
  const { url } = await start("--mqtt-broker", `mqtt://127.0.0.1:${broker.port}`);
  await page.goto(url);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  const raw = advert("Twice heard");
  const hear = (observer: string) =>
    broker.publish(`meshcore/ZRH/${observer}/packets`, { raw, SNR: 3, RSSI: -90, direction: "rx" });
  await hear("north");
  await expect(page.locator(ROW)).toHaveCount(1);
  await hear("south");
  await expect(page.locator(ROW).filter({ hasText: "+1" })).toHaveCount(1);
  await expect(page.locator(ROW)).toHaveCount(1);
});

test("the page finds its server again after a restart and shows what it missed", async ({ page, broker, start }) => {
  const args = ["--mqtt-broker", `mqtt://127.0.0.1:${broker.port}`];
  const first = await start(...args);
  const port = new URL(first.url).port;
  await page.goto(first.url);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await first.stop();
  await expect(page.getByText("Live", { exact: true })).toHaveCount(0);
  await start(...args, "--port", port);
  await broker.publish("meshcore/ZRH/roof/packets", { raw: advert("While away"), SNR: 1, direction: "rx" });
  await expect(page.locator(ROW).filter({ hasText: "While away" })).toHaveCount(1, { timeout: 30_000 });
});

test("text from the radio stays text", async ({ page, broker, start }) => {
  const { url } = await start("--mqtt-broker", `mqtt://127.0.0.1:${broker.port}`);
  const dialogs: string[] = [];
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  await page.goto(url);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  const name = "<img src=x onerror=alert(1)>";
  await broker.publish("meshcore/ZRH/roof/packets", { raw: advert(name), SNR: 1, origin: "<b>roof</b>", direction: "rx" });
  const row = page.locator(ROW).filter({ hasText: name });
  await expect(row).toHaveCount(1);
  await row.click();
  await expect(page.getByRole("heading", { name: "Decoded" })).toBeVisible();
  await expect(page.locator("img[src='x']")).toHaveCount(0);
  expect(dialogs).toEqual([]);
});
