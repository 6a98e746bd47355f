#!/bin/sh
# Fits a line to a hundred points by gradient descent, in awk, and prints the error after each epoch.
# It knows nothing of Trimtab: ./fit.sh --rate 0.1 --momentum 0.5 --epochs 9
rate=0.1 momentum=0 epochs=9
while [ $# -gt 1 ]; do
    case "$1" in
        --rate) rate=$2 ;;
        --momentum) momentum=$2 ;;
        --epochs) epochs=$2 ;;
        *) echo "unknown option $1" >&2; exit 2 ;;
    esac
    shift 2
done
exec awk -v rate="$rate" -v momentum="$momentum" -v epochs="$epochs" 'BEGIN {
    for (n = 0; n < 100; n++) { x[n] = n / 50 - 1; y[n] = 3 * x[n] - 2 + sin(7 * n) / 10 }
    for (epoch = 1; epoch <= epochs; epoch++) {
        slope_by = offset_by = error = 0
        for (n = 0; n < 100; n++) {
            miss = slope * x[n] + offset - y[n]
            slope_by += miss * x[n] / 50; offset_by += miss / 50; error += miss * miss / 100
        }
        slope_step = momentum * slope_step - rate * slope_by; slope += slope_step
        offset_step = momentum * offset_step - rate * offset_by; offset += offset_step
        if (error > 1e6) exit 1
        printf "epoch=%d error=%.6f\n", epoch, error
    }
}'
