// Reads a file of series as dashboard/site.py writes it: of each its steps, times and values.

/** The series of a response: `{run, label, start, step, time, value}`, arrays of doubles. */
export async function readPoints(response) {
  const unpacked = response.body.pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(unpacked).arrayBuffer();
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const start = Math.ceil((4 + length) / 8) * 8;
  return head.map(({ run, label, n, at, start_s: startS }) => {
    const take = (i) => new Float64Array(buffer, start + at + 8 * i * n, n);
    return { run, label, start: startS, step: take(0), time: take(1), value: take(2) };
  });
}
