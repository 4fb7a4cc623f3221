import "reflect-metadata";
import { Ignitor } from "@adonisjs/core";

const root = new URL("../", import.meta.url);
new Ignitor(root, { importer: (path) => import(path.startsWith(".") ? new URL(path, root).href : path) })
	.tap((app) => {
		app.listen("SIGTERM", () => app.terminate());
		app.listenIf(app.managedByPm2, "SIGINT", () => app.terminate());
	})
	.httpServer()
	.start();
