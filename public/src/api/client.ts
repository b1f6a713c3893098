import { href } from "../lib/base";
import { noteServerTime } from "../state/clock";
import type { Health, PacketAnswer, PacketPage, Stats } from "./types";

const TIMEOUT = 15_000;

/** Why a request did not bring what was asked for, in words for the screen. */
export class ApiError extends Error {
  constructor(
    message: string,
    /** The HTTP status; 0 when there was no answer. */
    readonly status: number,
    /** Milliseconds after which the server wants to be asked again. */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** The server is up, but still reads its history. */
  get isLoading(): boolean {
    return this.status === 503;
  }
}

function retryAfterOf(response: Response): number | null {
  const seconds = Number(response.headers.get("Retry-After") ?? NaN);
  return Number.isFinite(seconds) ? seconds * 1000 : null;
}

async function errorOf(response: Response): Promise<ApiError> {
  let message = `The server answered ${response.status}.`;
  try {
    const body: unknown = await response.json();
    if (typeof body === "object" && body !== null && "error" in body && typeof body.error === "string") {
      message = `The server says: ${body.error}`;
    }
  } catch {
    // No JSON: the status has to do.
  }
  return new ApiError(message, response.status, retryAfterOf(response));
}

/** Asks for JSON below `/api`. Throws {@link ApiError}, or the abort of `signal`. */
async function getJson<T extends object>(path: string, signal: AbortSignal): Promise<T> {
  const limit = new AbortController();
  const stop = (): void => limit.abort();
  signal.addEventListener("abort", stop);
  const timer = setTimeout(stop, TIMEOUT);
  try {
    signal.throwIfAborted();
    const response = await fetch(href(path), { signal: limit.signal, headers: { Accept: "application/json" } });
    noteServerTime(response.headers.get("Date"));
    if (!response.ok) throw await errorOf(response);
    const body: unknown = await response.json();
    if (typeof body !== "object" || body === null) throw new SyntaxError("no object");
    return body as T;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ApiError) throw error;
    if (limit.signal.aborted) throw new ApiError(`No answer within ${TIMEOUT / 1000} s.`, 0);
    if (error instanceof SyntaxError) throw new ApiError("The answer could not be read.", 0);
    throw new ApiError("The server cannot be reached.", 0);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

export async function getPackets(page: { limit: number; offset: number }, signal: AbortSignal): Promise<PacketPage> {
  const answer = await getJson<PacketPage>(
    `/api/packets?groupByHash=true&limit=${page.limit}&offset=${page.offset}`,
    signal,
  );
  if (!Array.isArray(answer.packets)) throw new ApiError("The answer could not be read.", 0);
  return answer;
}

export async function getPacket(hash: string, signal: AbortSignal): Promise<PacketAnswer> {
  const answer = await getJson<PacketAnswer>(`/api/packets/${encodeURIComponent(hash)}`, signal);
  if (typeof answer.packet !== "object" || answer.packet === null) throw new ApiError("The answer could not be read.", 0);
  return answer;
}

export function getStats(signal: AbortSignal): Promise<Stats> {
  return getJson<Stats>("/api/stats", signal);
}

export function getHealth(signal: AbortSignal): Promise<Health> {
  return getJson<Health>("/api/healthz", signal);
}
