{{- define "operator.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "operator.labels" -}}
{{ include "operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* The chart's own win: one key twice is no YAML. */ -}}
{{- define "operator.monitoringLabels" -}}
{{- toYaml (merge (include "operator.labels" . | fromYaml) .Values.monitoring.labels) }}
{{- end }}

{{- define "operator.image" -}}
{{- $repository := required "image.repository: say where your image is (none is published yet)" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{- /* What the operator does where clients live; Secrets by name only, so that it finds none it was not pointed to. */ -}}
{{- define "operator.clientRules" -}}
- apiGroups: [citrix-oauth.dev]
  resources: [citrixclients]
  verbs: [get, list, watch, patch]
- apiGroups: [citrix-oauth.dev]
  resources: [citrixclients/status]
  verbs: [patch, update]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, create, update, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end }}

{{- define "operator.subjects" -}}
- kind: ServiceAccount
  name: {{ .Release.Name | quote }}
  namespace: {{ .Release.Namespace | quote }}
{{- end }}

{{- define "operator.pullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
{{- range . }}
- name: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "operator.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "operator.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "operator.placement" -}}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Ports out of a pod: names are looked up, and the API server and authorization servers asked. */ -}}
{{- define "operator.egress" -}}
- ports:
  - {port: 53, protocol: UDP}
  - {port: 53, protocol: TCP}
  - {port: 5353, protocol: UDP}
  - {port: 5353, protocol: TCP}
  {{- range .Values.networkPolicy.egressPorts }}
  - {port: {{ . }}, protocol: TCP}
  {{- end }}
{{- end }}

{{- define "portal.name" -}}
{{ .Release.Name }}-portal
{{- end }}

{{- define "portal.url" -}}
{{ required "portal.url: say where a browser reaches the portal" .Values.portal.url | trimSuffix "/" }}
{{- end }}

{{- define "portal.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}-portal
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "portal.labels" -}}
{{ include "portal.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* What the portal does where clients live: it reads no Secret. RBAC can limit `create` to no name, and `patch` to no annotation. */ -}}
{{- define "portal.clientRules" -}}
- apiGroups: [citrix-oauth.dev]
  resources: [citrixclients]
  verbs: [get, list, patch]
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
{{- end }}

{{- define "portal.subjects" -}}
- kind: ServiceAccount
  name: {{ include "portal.name" . }}
  namespace: {{ .Release.Namespace | quote }}
{{- end }}
