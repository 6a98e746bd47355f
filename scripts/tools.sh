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
