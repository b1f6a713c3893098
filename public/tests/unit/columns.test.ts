import { expect, test } from "vitest";
import { columnsFor, gridTemplate } from "../../src/lib/columns";

test.each([600, 652, 720, 816, 968, 1064, 1232, 1384, 2300])("at %d px the text keeps room", (width) => {
  const columns = columnsFor(width);
  const fixed = columns.reduce((sum, column) => sum + (column.width ?? 0), 0);
  expect(width - 24 - fixed).toBeGreaterThanOrEqual(140);
  expect(columns.filter((column) => column.width === null).map((column) => column.id)).toEqual(["summary"]);
});

test("wide tables have every column, narrow ones the first that matter", () => {
  expect(columnsFor(1400)).toHaveLength(10);
  expect(columnsFor(600).map((column) => column.id)).toEqual(["type", "heard", "summary", "hops", "observers", "snr"]);
});

test("the template follows the columns", () => {
  expect(gridTemplate(columnsFor(600))).toBe("4.5rem 5.5rem minmax(0, 1fr) 3.125rem 8.75rem 5rem");
});
