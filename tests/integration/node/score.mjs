// Scores the visitors of a file of requests, a line of protobuf JSON each:
//   node score.mjs HOST:PORT REQUESTS.jsonl
// Prints a line of JSON for each: the visitor, the segments and the scores.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const [target, requests] = process.argv.slice(2);
const root = fileURLToPath(new URL("../../..", import.meta.url));
const definition = protoLoader.loadSync("protos/audience/v1/scoring.proto", {
  includeDirs: [root],
  keepCase: true,
  longs: Number,
  defaults: true,
});
const { Scoring } = grpc.loadPackageDefinition(definition).audience.v1;
const client = new Scoring(target, grpc.credentials.createInsecure());

const score = (request) =>
  new Promise((resolve, reject) => {
    const deadline = Date.now() + 10_000; // a page would give it 50
    client.Score(request, { deadline }, (error, reply) => (error ? reject(error) : resolve(reply)));
  });

try {
  for (const line of readFileSync(requests, "utf8").trim().split("\n")) {
    const request = JSON.parse(line);
    const { results } = await score(request);
    console.log(JSON.stringify({ visitor: request.visitor?.id, ...results[0] }));
  }
} catch (error) {
  console.error(`${grpc.status[error.code] ?? "ERROR"}: ${error.details ?? error.message}`);
  process.exitCode = 1;
} finally {
  client.close();
}
