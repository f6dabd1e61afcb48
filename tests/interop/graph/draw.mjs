// Reads flowcharts (a JSON list on stdin) with Mermaid and says what it understood, as JSON.
import { readFileSync } from "node:fs";
import { JSDOM } from "jsdom";

globalThis.window = new JSDOM("").window;
globalThis.document = window.document;
const mermaid = (await import("mermaid")).default;
mermaid.initialize({ maxEdges: 100000, maxTextSize: 10000000 });

const answers = [];
for (const text of JSON.parse(readFileSync(0, "utf8"))) {
  const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
  answers.push({
    vertices: Object.fromEntries([...db.getVertices()].map(([id, vertex]) => [id, vertex.text])),
    edges: db.getEdges().map((edge) => [edge.start, edge.end, edge.text]),
    groups: Object.fromEntries(db.getSubGraphs().map((group) => [group.id, [group.title, group.nodes]])),
  });
}
console.log(JSON.stringify(answers));
