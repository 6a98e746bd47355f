# Sourced by ./test: programs that tests of the chart need, built once a machine from Go modules, or installed from Debian.
#
# Each is a module of its own, and its folder is named by its version, so that a change of version builds it afresh.

HELM_VERSIONS=(v3.22.0 v4.3.1)
KUBECONFORM_VERSION=v0.8.0

# Builds MODULE/PACKAGE@VERSION once; prints the program's path.
go_tool() {
    local package=$1 version=$2 folder
    folder="$TRIMTAB_CACHE/tools/$(basename "$package")-$version"
    if [ ! -x "$folder/$(basename "$package")" ]; then
        GOBIN="$folder.new" CGO_ENABLED=0 go install "$package@$version" >&2
        rm -rf "$folder" && mv "$folder.new" "$folder"
    fi
    printf '%s\n' "$folder/$(basename "$package")"
}

# Sets TRIMTAB_HELM to one Helm of each major version, with a colon between them, and KUBECONFORM.
chart_tools() {
    command -v go >/dev/null || { printf 'missing: Go 1.26 or later, which builds helm and kubeconform once\n'; exit 2; }
    package prometheus "promtool, which tests the alerts"
    local helms=() version
    for version in "${HELM_VERSIONS[@]}"; do
        helms+=("$(go_tool "helm.sh/helm/${version%%.*}/cmd/helm" "$version")")
    done
    TRIMTAB_HELM="$(IFS=:; printf '%s' "${helms[*]}")"
    KUBECONFORM="$(go_tool github.com/yannh/kubeconform/cmd/kubeconform "$KUBECONFORM_VERSION")"
    export TRIMTAB_HELM KUBECONFORM
}

# The minors of Kubernetes that the chart is rendered for, as releases whose API documents are taken from the module proxy.
KUBERNETES_VERSIONS=(1.34.4 1.35.4 1.36.3 1.37.2)
PROMETHEUS_OPERATOR_VERSION=v0.85.0

# The folder of a Go module's source.
go_module() { (cd / && go mod download -json "$1" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p'); }

# Makes the schemas that kubeconform holds the chart to, once a machine; sets SCHEMAS to their folder.
chart_schemas() {
    local version folder source monitoring
    SCHEMAS="$TRIMTAB_CACHE/schemas-$(sha256sum tests/chart/src/bin/schemas.rs scripts/tools.sh | sha256sum | cut -c1-12)"
    export SCHEMAS
    [ ! -d "$SCHEMAS" ] || return 0
    folder="$SCHEMAS.new"
    rm -rf "$folder"
    monitoring="$(go_module "github.com/prometheus-operator/prometheus-operator@$PROMETHEUS_OPERATOR_VERSION")/example/prometheus-operator-crd"
    for version in "${KUBERNETES_VERSIONS[@]}"; do
        source="$(go_module "k8s.io/kubernetes@v$version")/api/openapi-spec/swagger.json"
        cargo run --locked --quiet -p trimtab-chart-tests --bin schemas -- "$folder/v$version" "$source" "$monitoring"/*.yaml crds/*.yaml
    done
    mv "$folder" "$SCHEMAS"
}
