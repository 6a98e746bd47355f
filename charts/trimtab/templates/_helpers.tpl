{{- define "trimtab.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "trimtab.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "trimtab.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "trimtab.operator" -}}
{{ include "trimtab.fullname" . }}-operator
{{- end -}}

{{- define "trimtab.selector" -}}
app.kubernetes.io/name: {{ include "trimtab.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "trimtab.labels" -}}
{{ include "trimtab.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: trimtab
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "trimtab.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "trimtab.operator" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "trimtab.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "trimtab.testNamespace" -}}
{{- if .Values.tests.namespace -}}
{{ .Values.tests.namespace }}
{{- else if .Values.namespaces -}}
{{ first .Values.namespaces }}
{{- else -}}
{{ .Release.Namespace }}
{{- end -}}
{{- end -}}

{{/* What the operator may do where it serves: the same as deploy/rbac.yaml, which a test compares. */}}
{{- define "trimtab.rules" -}}
# Users write Studies; the operator reads them.
- apiGroups: [trimtab.dev]
  resources: [studies]
  verbs: [get, list, watch]
- apiGroups: [trimtab.dev]
  resources: [trials]
  verbs: [get, list, watch, create, update]
- apiGroups: [trimtab.dev]
  resources: [studies/status, trials/status]
  verbs: [update]
# Owner references that block deletion need this where the admission plugin OwnerReferencesPermissionEnforcement is on.
- apiGroups: [trimtab.dev]
  resources: [studies/finalizers, trials/finalizers]
  verbs: [update]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, delete]
# `create` is for the dry run before anything starts; pods are made by the Job controller.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch, create]
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end -}}

{{- define "trimtab.subject" -}}
- kind: ServiceAccount
  name: {{ include "trimtab.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}
