{{- define "sioinit.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* labels of everything; (list . "component") */}}
{{- define "sioinit.labels" -}}
{{- $root := index . 0 -}}
{{ include "sioinit.selector" $root }}
app.kubernetes.io/component: {{ index . 1 }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
app.kubernetes.io/version: {{ $root.Values.image.tag | quote }}
helm.sh/chart: {{ $root.Chart.Name }}-{{ $root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* what the app's environment says besides sioinit's own defaults */}}
{{- define "sioinit.settings" -}}
{{- $settings := deepCopy .Values.settings -}}
{{- if .Values.redis.url }}{{ $_ := set $settings "REDIS_URL" .Values.redis.url }}{{ end -}}
{{- if not (hasKey $settings "SIOINIT_PEERS") }}{{ $_ := set $settings "SIOINIT_PEERS" (printf "%s-pods" .Release.Name) }}{{ end -}}
{{- range $name, $value := $settings }}
{{ $name }}: {{ $value | toString | quote }}
{{- end }}
{{- end -}}

{{/* the delay and the stop, and 5 s for the kubelet */}}
{{- define "sioinit.gracePeriod" -}}
{{- $delay := .Values.settings.SIOINIT_SHUTDOWN_DELAY | default "5" | toString | float64 -}}
{{- $stop := .Values.settings.SIOINIT_STOP_TIMEOUT | default "20" | toString | float64 -}}
{{- addf $delay $stop 5 | ceil | int -}}
{{- end -}}

{{- define "sioinit.affinity" -}}
{{- $ingress := or .Values.ingress.enabled .Values.httpRoute.enabled -}}
{{- eq .Values.service.sessionAffinity "auto" | ternary (ternary "None" "ClientIP" $ingress) .Values.service.sessionAffinity -}}
{{- end -}}

{{- define "sioinit.severalPods" -}}
{{- if or .Values.autoscaling.enabled (gt (int .Values.replicas) 1) }}yes{{ end -}}
{{- end -}}
