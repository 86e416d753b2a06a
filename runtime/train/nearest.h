/* The known name nearest to one that was mistyped. */
#ifndef TRAIN_NEAREST_H
#define TRAIN_NEAREST_H

/* Offer each known name in turn, then read best: NULL when none is near
 * enough to be meant (more than a third of the letters differ). */
typedef struct { const char *typed, *best; int distance; } MmlNearest;

MmlNearest mml_nearest(const char *typed);
void       mml_nearest_offer(MmlNearest *nearest, const char *known);

#endif
