// What of Envoy Gateway's BackendTrafficPolicy is used here: there is no package that has its types.
export interface IBackendTrafficPolicy {
	apiVersion: "gateway.envoyproxy.io/v1alpha1";
	kind: "BackendTrafficPolicy";
	metadata: { name: string; labels?: Record<string, string>; namespace?: string };
	spec: { targetRefs: { group: string; kind: "Gateway" | "HTTPRoute"; name: string }[]; loadBalancer: LoadBalancer };
}

type LoadBalancer = { type: "LeastRequest" | "Random" | "RoundRobin" } | { type: "ConsistentHash"; consistentHash: Hash };
type Hash = { type: "SourceIP" } | { type: "Cookie"; cookie: { name: string; ttl?: string; attributes?: Record<string, string> } };
