// Loads a GGUF file with llama.cpp and writes, as one JSON object, the ids of a
// text and the probabilities of every next token after each id of a prompt.
//   node client.mjs MODEL.gguf REQUEST.json REPLY.json   {"text": "...", "ids": [1, 2]}
import {readFileSync, writeFileSync} from "node:fs";
import {getLlama} from "node-llama-cpp";

const [modelPath, requestPath, replyPath] = process.argv.slice(2);
const {text, ids} = JSON.parse(readFileSync(requestPath, "utf8"));

const llama = await getLlama({gpu: false, build: "never", logLevel: "error", maxThreads: 2});
const model = await llama.loadModel({modelPath});
const tokens = text === undefined ? [] : model.tokenize(text, true);

const probabilities = [];
if (ids?.length > 0) {
    const context = await model.createContext({contextSize: 512, batchSize: 512});
    const sequence = context.getSequence();
    const steps = await sequence.controlledEvaluate(ids.map((id) => [id, {generateNext: {probabilities: true}}]));
    for (const step of steps) {
        const row = [];
        for (const [token, probability] of step.next.probabilities) row[token] = probability;
        probabilities.push(row);
    }
}
writeFileSync(replyPath, JSON.stringify({tokens: [...tokens], probabilities}));
await llama.dispose();
