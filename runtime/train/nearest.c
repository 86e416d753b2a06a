#include "train/nearest.h"

#include <string.h>

#define LONGEST 128

static int least(int a, int b) { return a < b ? a : b; }

/* Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours cost 1. */
static int distance(const char *a, const char *b) {
    int rows[3][LONGEST + 1];
    int n = (int)strlen(a), m = (int)strlen(b);
    if (n > LONGEST || m > LONGEST) return LONGEST;
    int *before = rows[0], *last = rows[1], *now = rows[2];
    for (int j = 0; j <= m; j++) last[j] = j;
    for (int i = 1; i <= n; i++) {
        now[0] = i;
        for (int j = 1; j <= m; j++) {
            int cost = a[i - 1] != b[j - 1];
            now[j] = least(least(last[j] + 1, now[j - 1] + 1), last[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = least(now[j], before[j - 2] + 1);
        }
        int *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[m];
}

MmlNearest mml_nearest(const char *typed) {
    int allowed = ((int)strlen(typed) + 2) / 3;
    return (MmlNearest){.typed = typed, .best = NULL, .distance = allowed + 1};
}

void mml_nearest_offer(MmlNearest *nearest, const char *known) {
    int d = distance(nearest->typed, known);
    if (d >= nearest->distance) return;
    nearest->distance = d;
    nearest->best = known;
}
