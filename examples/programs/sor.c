/* Solves Poisson's equation on a square by successive over-relaxation, and prints how many sweeps that took.
 * It knows nothing of Trimtab: cc -O2 -o sor sor.c -lm && ./sor --omega 1.5 --sweep red-black */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 48, MOST = 20000 };
static double grid[SIDE + 2][SIDE + 2];

static double relax(int i, int j, double omega) {
    double source = 1.0 / ((SIDE + 1) * (SIDE + 1));
    double better = (grid[i - 1][j] + grid[i + 1][j] + grid[i][j - 1] + grid[i][j + 1] + source) / 4;
    double change = omega * (better - grid[i][j]);
    grid[i][j] += change;
    return fabs(change);
}

int main(int count, char **words) {
    double omega = 1;
    int red_black = 0;
    for (int at = 1; at + 1 < count; at += 2) {
        if (!strcmp(words[at], "--omega")) omega = atof(words[at + 1]);
        else if (!strcmp(words[at], "--sweep")) red_black = !strcmp(words[at + 1], "red-black");
        else return fprintf(stderr, "unknown option %s\n", words[at]), 2;
    }
    for (int sweeps = 1; sweeps <= MOST; sweeps++) {
        double largest = 0;
        for (int color = 0; color <= red_black; color++)
            for (int i = 1; i <= SIDE; i++)
                for (int j = 1; j <= SIDE; j++)
                    if (!red_black || (i + j) % 2 == color) largest = fmax(largest, relax(i, j, omega));
        if (largest < 1e-9) return printf("sweeps: %d\n", sweeps), 0;
        if (!(largest < 1e9)) break;
    }
    fprintf(stderr, "does not converge\n");
    return 1;
}
