// Plays the part of a kubelet that matters to one container: starts it as the manifest says (user, root file system,
// capabilities, limits, environment), runs its probes with their periods and thresholds, restarts it when it is not alive, and
// ends it by TERM, grace period, KILL. What happens is recorded: Started, Ready, Unready, NotLive, Unhealthy, Restarted, ...
const fs = require("fs");
const path = require("path");
const YAML = require("yaml");
const { execFile } = require("child_process");
const { get, must, mustMeanwhile, sleep, start } = require("./podman.js");

const cpus = (q) => (String(q).endsWith("m") ? parseInt(q) / 1000 : Number(q));
const bytes = (q) => String(q).replace(/([KMG])i$/, (_, unit) => unit.toLowerCase());

function flags(pod, container) {
	const sec = { ...pod.spec.securityContext, ...container.securityContext };
	const limits = container.resources.limits;
	const env = (container.env ?? []).flatMap((e) => ["-e", `${e.name}=${e.value}`]);
	const empty = (pod.spec.volumes ?? []).filter((v) => v.emptyDir).map((v) => container.volumeMounts.find((m) => m.name === v.name).mountPath);
	const ports = container.ports.flatMap((p) => ["-p", `127.0.0.1::${p.containerPort}`]);

	return [
		...["--user", `${sec.runAsUser}:${sec.runAsGroup}`],
		...(sec.readOnlyRootFilesystem ? ["--read-only", "--read-only-tmpfs=false"] : []),
		...sec.capabilities.drop.flatMap((c) => ["--cap-drop", c]),
		...(sec.allowPrivilegeEscalation ? [] : ["--security-opt", "no-new-privileges"]),
		...["--cpus", String(cpus(limits.cpu)), "--memory", bytes(limits.memory)],
		...["-e", "KUBERNETES_SERVICE_HOST=10.0.0.1", "-e", "KUBERNETES_SERVICE_PORT=443"],
		...empty.flatMap((mountPath) => ["--tmpfs", `${mountPath}:mode=1777`]),
		...env,
		...ports,
	];
}

// The pod of a folder's deployment.yaml, with settings.env, which its ConfigMap is made of.
function podOf(folder) {
	const pod = YAML.parse(fs.readFileSync(path.join(folder, "deployment.yaml"), "utf8")).spec.template;
	const settings = fs.readFileSync(path.join(folder, "settings.env"), "utf8").matchAll(/^(\w+)=(.*)$/gm);
	pod.spec.containers[0].env ??= [];
	for (const [, name, value] of settings) pod.spec.containers[0].env.push({ name, value });
	return pod;
}

class Kubelet {
	constructor(pod, image, extra = []) {
		this.pod = pod;
		this.spec = this.pod.spec.containers[0];
		this.events = [];
		this.t0 = Date.now();
		this.container = start([...flags(this.pod, this.spec), ...extra], image);
		this.restarts = 0;
		this.#begin();
	}

	#begin() {
		this.ports = Object.fromEntries(this.spec.ports.map((p) => [p.name, this.container.hostPort(p.containerPort)]));
		this.ready = this.over = false;
		this.#run();
	}

	record(type, text) {
		this.events.push({ at: Date.now() - this.t0, type, text });
	}

	count(type) {
		return this.events.filter((e) => e.type === type).length;
	}

	// As the kubelet does: 200..399 is success, anything else, an error or a timeout is not.
	async probe({ httpGet, exec, timeoutSeconds = 1 }) {
		if (exec) return this.#runInside(exec.command);
		try {
			const r = await get(this.ports[httpGet.port], httpGet.path, { timeout: timeoutSeconds * 1000 });
			return { ok: r.status >= 200 && r.status < 400, text: `${r.status} ${r.body.trim()}` };
		} catch (err) {
			return { ok: false, text: err.code ?? err.message };
		}
	}

	// Status 0 is success. Its timeout is not kept: podman alone takes longer to get there on a busy machine.
	#runInside(command) {
		return new Promise((resolve) =>
			execFile("podman", ["exec", this.container.id, ...command], (err, out, text) => resolve({ ok: !err, text: err ? `status ${err.code} ${text.trim()}` : "status 0" })),
		);
	}

	async #repeat(probe, onResult) {
		let failures = 0;
		while (!this.over) {
			const { ok, text } = await this.probe(probe);
			failures = ok ? 0 : failures + 1;
			if (this.over || onResult(ok, failures >= (probe.failureThreshold ?? 3), text)) return;
			await new Promise((r) => setTimeout(r, (probe.periodSeconds ?? 10) * 1000).unref());
		}
	}

	async #run() {
		const { startupProbe, readinessProbe, livenessProbe } = this.spec;

		await this.#repeat(startupProbe, (ok, failed, text) => {
			if (!ok) this.record(failed ? "StartupFailed" : "NotStarted", text);
			else this.record("Started", text);
			return ok;
		});
		const readiness = this.#repeat(readinessProbe, (ok, failed, text) => {
			if (ok !== this.ready && (ok || failed)) {
				this.ready = ok;
				this.record(ok ? "Ready" : "Unready", text);
			}
		});
		const liveness = this.#repeat(livenessProbe, (ok, failed, text) => {
			this.record(ok ? "Live" : failed ? "Unhealthy" : "NotLive", text);
			return failed && !this.terminating;
		});
		await Promise.race([liveness, readiness]);
		if (!this.over) this.#restart();
	}

	async #restart() {
		this.ready = false;
		await this.#end();
		must("start", this.container.id);
		this.restarts++;
		this.record("Restarted");
		this.#begin();
	}

	// TERM now, KILL after the grace period; the probes go on meanwhile.
	async #end() {
		await mustMeanwhile("kill", "-s", "TERM", this.container.id);
		const end = Date.now() + this.pod.spec.terminationGracePeriodSeconds * 1000;
		while ((await mustMeanwhile("inspect", "-f", "{{.State.Running}}", this.container.id)) === "true") {
			if (Date.now() > end) await mustMeanwhile("kill", "-s", "KILL", this.container.id);
			await sleep(100);
		}
		this.over = true;
	}

	// The pod is deleted. Resolves with the exit status.
	async terminate() {
		this.record("Killing");
		this.terminating = Date.now();
		await this.#end();
		this.record("Ended");
		return this.container.exitCode();
	}

	// What is left of the pod when the node has no memory for it: no grace.
	async evict() {
		this.record("Evicted");
		this.over = true;
		await mustMeanwhile("kill", "-s", "KILL", this.container.id);
	}

	// A new limit for the running container, as by the pod's resize subresource.
	resize(limit) {
		this.record("Resized", limit);
		return mustMeanwhile("update", "--cpus", String(cpus(limit)), this.container.id);
	}
}

module.exports = { Kubelet, podOf };
