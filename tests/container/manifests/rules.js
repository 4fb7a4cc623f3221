// What the API server, a cluster's policy or nobody would say of the documents that are applied together.
const quantity = (q) => {
	const [, number, unit] = /^([0-9.]+)([a-zA-Z]*)$/.exec(String(q)) ?? [];
	return number * { "": 1, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 }[unit];
};
const matches = (selector, labels) => Object.entries(selector).every(([name, value]) => labels?.[name] === value);
const portsOf = (pod) => pod.spec.containers.flatMap((c) => c.ports ?? []);

function* ofContainer(c, pod) {
	const declared = (port) => typeof port === "number" || (c.ports ?? []).some((p) => p.name === port);
	for (const name of ["startupProbe", "readinessProbe", "livenessProbe"])
		if (c[name]?.httpGet && !declared(c[name].httpGet.port)) yield `${name} asks a port that is not declared: ${c[name].httpGet.port}`;
	for (const m of c.volumeMounts ?? []) if (!pod.spec.volumes?.some((v) => v.name === m.name)) yield `nothing is mounted at ${m.mountPath}: no volume ${m.name}`;
	for (const [name, limit] of Object.entries(c.resources.limits)) {
		if (!(quantity(c.resources.requests[name]) <= quantity(limit))) yield `${name}: the request is above the limit, or not there`;
	}
	if (/(:latest|^[^:]+)$/.test(c.image)) yield `no tag that names one build: ${c.image}`;
	if (c.securityContext.allowPrivilegeEscalation !== false) yield "restricted: allowPrivilegeEscalation";
	if (c.securityContext.capabilities?.drop?.join() !== "ALL") yield "restricted: capabilities";
	if (!c.securityContext.readOnlyRootFilesystem) yield "the root file system can be written";
}

function* ofPod(pod) {
	const { securityContext } = pod.spec;
	if (!securityContext.runAsNonRoot || !(securityContext.runAsUser > 0)) yield "restricted: runAsNonRoot";
	if (securityContext.seccompProfile?.type !== "RuntimeDefault") yield "restricted: seccompProfile";
	if (pod.spec.automountServiceAccountToken !== false) yield "it has a token of the API server";
	if (pod.spec.enableServiceLinks !== false) yield "Services' addresses come into its environment";
	for (const c of pod.spec.containers) yield* ofContainer(c, pod);
}

const kinds = {
	*Deployment(o, all) {
		const pod = o.spec.template;
		if (!matches(o.spec.selector.matchLabels, pod.metadata.labels)) yield "its selector is not for its pods";
		const scaled = all.some((x) => (x.kind === "HorizontalPodAutoscaler" || x.kind === "ScaledObject") && x.spec.scaleTargetRef.name === o.metadata.name);
		if (scaled && o.spec.replicas !== undefined) yield "replicas, where an autoscaler decides";
		yield* ofPod(pod);
		for (const { configMapRef } of pod.spec.containers.flatMap((c) => c.envFrom ?? [])) {
			if (!configMapRef) continue;
			const settings = all.find((x) => x.kind === "ConfigMap" && x.metadata.name === configMapRef.name)?.data;
			if (!settings) yield `no ConfigMap ${configMapRef.name}`;
			else if (!(+settings.SIOINIT_SHUTDOWN_DELAY + +settings.SIOINIT_STOP_TIMEOUT < pod.spec.terminationGracePeriodSeconds)) yield "killed before the stop is over";
		}
	},
	*Service(o, all) {
		const pods = all.filter((x) => x.kind === "Deployment" && matches(o.spec.selector, x.spec.template.metadata.labels));
		if (pods.length !== 1) yield `selects ${pods.length} Deployments`;
		for (const p of o.spec.ports) if (!pods.some((x) => portsOf(x.spec.template).some((d) => d.name === p.targetPort))) yield `no pod has the port ${p.targetPort}`;
	},
	*PodDisruptionBudget(o, all) {
		if (!all.some((x) => x.kind === "Deployment" && matches(o.spec.selector.matchLabels, x.spec.template.metadata.labels))) yield "for no pod";
	},
	*NetworkPolicy(o, all) {
		if (!all.some((x) => x.kind === "Deployment" && matches(o.spec.podSelector.matchLabels, x.spec.template.metadata.labels))) yield "for no pod";
	},
	*ServiceMonitor(o, all) {
		const services = all.filter((x) => x.kind === "Service" && matches(o.spec.selector.matchLabels, x.metadata.labels));
		if (services.length !== 1) yield `selects ${services.length} Services`;
		for (const e of o.spec.endpoints) if (!services[0]?.spec.ports.some((p) => p.name === e.port)) yield `no Service has the port ${e.port}`;
	},
	*HorizontalPodAutoscaler(o, all) {
		if (!all.some((x) => x.kind === o.spec.scaleTargetRef.kind && x.metadata.name === o.spec.scaleTargetRef.name)) yield "scales nothing";
	},
	*ScaledObject(o, all) {
		if (all.some((x) => x.kind === "HorizontalPodAutoscaler")) yield "a second autoscaler";
	},
	*Ingress(o, all) {
		for (const p of o.spec.rules.flatMap((r) => r.http.paths)) yield* service(all, p.backend.service.name, p.backend.service.port.name);
	},
	*IngressRoute(o, all) {
		for (const s of o.spec.routes.flatMap((r) => r.services)) yield* service(all, s.name, s.port);
	},
	*HTTPRoute(o, all) {
		for (const s of o.spec.rules.flatMap((r) => r.backendRefs)) yield* service(all, s.name, s.port);
	},
	*BackendTrafficPolicy(o, all) {
		for (const t of o.spec.targetRefs) if (!all.some((x) => x.kind === t.kind && x.metadata.name === t.name)) yield `no ${t.kind} ${t.name}`;
	},
};

// An ingress sends to a Service, and has affinity of its own then.
function* service(all, name, port) {
	const to = all.find((x) => x.kind === "Service" && x.metadata.name === name);
	if (!to?.spec.ports.some((p) => p.name === port || p.port === port)) yield `no Service ${name} with the port ${port}`;
	else if (to.spec.sessionAffinity === "ClientIP") yield "behind an ingress all clients have one address";
}

// [{file, o}] of one application to ["file: Kind/name: what is wrong"].
function broken(entries) {
	const all = entries.map((e) => e.o);
	const namespace = all.find((x) => x.kind === "Namespace")?.metadata.name;
	return entries.flatMap(({ file, o }) => {
		const found = [...(kinds[o.kind]?.(o, all) ?? [])];
		if (o.kind !== "Namespace" && o.metadata.namespace !== namespace) found.push(`in the namespace ${o.metadata.namespace}, not ${namespace}`);
		if (!o.metadata.labels?.["app.kubernetes.io/name"]) found.push("no label app.kubernetes.io/name");
		if (all.filter((x) => x.kind === o.kind && x.metadata.name === o.metadata.name).length > 1) found.push("there are two");
		return found.map((text) => `${file}: ${o.kind}/${o.metadata.name}: ${text}`);
	});
}

module.exports = { broken };
