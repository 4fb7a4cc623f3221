// "Am I what was started?", in the words of both worlds
import http from "node:http";
import { pathToFileURL } from "node:url";
import { readFile } from "node:fs/promises";

const own = JSON.parse(await readFile(new URL("package.json", import.meta.url)));
if (import.meta.url === pathToFileURL(process.argv[1]).href) http.createServer((req, res) => res.end(own.name)).listen(process.env.PORT);
