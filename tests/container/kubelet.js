// Plays the part of a kubelet that matters to one container: starts it as the manifest says (user, root file system,
// capabilities, limits, environment), runs its probes with their periods and thresholds, and ends it by TERM, grace period,
// KILL. It does not restart; it records. Where a kubelet would act, an event is added: Started, Ready, Unready, Unhealthy.
const fs = require("fs");
const YAML = require("yaml");
const { get, must, sleep, start } = require("./podman.js");

const cpus = (q) => (String(q).endsWith("m") ? parseInt(q) / 1000 : Number(q));
const bytes = (q) => String(q).replace(/([KMG])i$/, (_, unit) => unit.toLowerCase());

function flags(pod, container) {
	const sec = { ...pod.spec.securityContext, ...container.securityContext };
	const limits = container.resources.limits;
	const env = (container.env ?? []).flatMap((e) => ["-e", `${e.name}=${e.value}`]);
	const ports = container.ports.flatMap((p) => ["-p", `127.0.0.1::${p.containerPort}`]);

	return [
		...["--user", `${sec.runAsUser}:${sec.runAsGroup}`],
		...(sec.readOnlyRootFilesystem ? ["--read-only", "--read-only-tmpfs=false"] : []),
		...sec.capabilities.drop.flatMap((c) => ["--cap-drop", c]),
		...(sec.allowPrivilegeEscalation ? [] : ["--security-opt", "no-new-privileges"]),
		...["--cpus", String(cpus(limits.cpu)), "--memory", bytes(limits.memory)],
		...["-e", "KUBERNETES_SERVICE_HOST=10.0.0.1", "-e", "KUBERNETES_SERVICE_PORT=443"],
		...env,
		...ports,
	];
}

class Kubelet {
	constructor(file, image, extra = []) {
		this.pod = YAML.parse(fs.readFileSync(file, "utf8"));
		this.spec = this.pod.spec.containers[0];
		this.events = [];
		this.t0 = Date.now();
		this.container = start([...flags(this.pod, this.spec), ...extra], image);
		this.ports = Object.fromEntries(this.spec.ports.map((p) => [p.name, this.container.hostPort(p.containerPort)]));
		this.ready = false;
		this.loops = this.#run();
	}

	record(type, text) {
		this.events.push({ at: Date.now() - this.t0, type, text });
	}

	count(type) {
		return this.events.filter((e) => e.type === type).length;
	}

	// As the kubelet does: 200..399 is success, anything else, an error or a timeout is not.
	async probe({ httpGet, timeoutSeconds = 1 }) {
		try {
			const r = await get(this.ports[httpGet.port], httpGet.path, { timeout: timeoutSeconds * 1000 });
			return { ok: r.status >= 200 && r.status < 400, text: `${r.status} ${r.body.trim()}` };
		} catch (err) {
			return { ok: false, text: err.code ?? err.message };
		}
	}

	async #repeat(probe, onResult) {
		let failures = 0;
		while (!this.over) {
			const { ok, text } = await this.probe(probe);
			failures = ok ? 0 : failures + 1;
			if (this.over || onResult(ok, failures >= (probe.failureThreshold ?? 3), text)) return;
			await sleep((probe.periodSeconds ?? 10) * 1000);
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
		});
		await Promise.all([readiness, liveness]);
	}

	// The pod is deleted: TERM now, KILL after the grace period; the probes go on meanwhile. Resolves with the exit status.
	async terminate() {
		this.record("Killing");
		must("kill", "-s", "TERM", this.container.id);
		const end = Date.now() + this.pod.spec.terminationGracePeriodSeconds * 1000;
		while (this.container.running()) {
			if (Date.now() > end) must("kill", "-s", "KILL", this.container.id);
			await sleep(100);
		}
		this.record("Ended");
		this.over = true;
		await this.loops;
		return this.container.exitCode();
	}
}

module.exports = { Kubelet };
