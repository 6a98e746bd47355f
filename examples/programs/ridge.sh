#!/bin/sh
# Ridge regression in awk: fits a polynomial to twenty points, and prints the error on twenty others with its derivative in the penalty,
# which is exact: the weights solve A w = b with A = X'X / n + penalty, so their derivative solves A w' = -w.
# It knows nothing of Trimtab: ./ridge.sh --penalty 0.01 --degree 7
penalty=0.01 degree=7
while [ $# -gt 1 ]; do
    case "$1" in
        --penalty) penalty=$2 ;;
        --degree) degree=$2 ;;
        *) echo "unknown option $1" >&2; exit 2 ;;
    esac
    shift 2
done
exec awk -v penalty="$penalty" -v m="$degree" '
function point(n) { x = n / 10 - 1; y = sin(3 * x) + 0.4 * sin(47 * n + split_at) }
# Solves A s = r by elimination; A has a dominant enough diagonal to need no exchange of rows.
function solve(r, s,    i, j, k, a, f) {
    for (i = 1; i <= m; i++) { s[i] = r[i]; for (j = 1; j <= m; j++) a[i, j] = A[i, j] }
    for (k = 1; k <= m; k++) for (i = k + 1; i <= m; i++) {
        f = a[i, k] / a[k, k]; s[i] -= f * s[k]
        for (j = k; j <= m; j++) a[i, j] -= f * a[k, j]
    }
    for (i = m; i >= 1; i--) { for (j = i + 1; j <= m; j++) s[i] -= a[i, j] * s[j]; s[i] /= a[i, i] }
}
BEGIN {
    for (n = 0; n < 20; n++) {
        point(n)
        for (i = 1; i <= m; i++) { b[i] += x ^ i * y / 20; for (j = 1; j <= m; j++) A[i, j] += x ^ (i + j) / 20 }
    }
    for (i = 1; i <= m; i++) A[i, i] += penalty
    solve(b, w)
    for (i = 1; i <= m; i++) against[i] = -w[i]
    solve(against, slope)
    split_at = 5
    for (n = 0; n < 20; n++) {
        point(n + 0.5)
        miss = -y; moves = 0
        for (i = 1; i <= m; i++) { miss += x ^ i * w[i]; moves += x ^ i * slope[i] }
        error += miss * miss / 20; derivative += 2 * miss * moves / 20
    }
    printf "error=%.12g gradient/penalty=%.12g\n", error, derivative
}'
