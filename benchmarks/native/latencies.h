// Every latency of a run, so that a percentile is one that was measured and not the border of a bucket.

#ifndef LATENCIES_H
#define LATENCIES_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct latencies {
  size_t count, room;
  uint64_t *values; // ns
};

static inline void latencies_add(struct latencies *all, uint64_t value) {
  if (all->count == all->room) {
    all->room = all->room ? all->room * 2 : 65536;
    all->values = realloc(all->values, all->room * sizeof *all->values);
    if (!all->values) abort();
  }
  all->values[all->count++] = value;
}

static inline int latencies_compare(const void *left, const void *right) {
  uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return (a > b) - (a < b);
}

static inline void latencies_sort(struct latencies *all) {
  if (all->count > 0) qsort(all->values, all->count, sizeof *all->values, latencies_compare);
}

// In µs; of sorted latencies, the smallest that `share` of them do not exceed.
static inline double latencies_at(const struct latencies *all, double share) {
  if (all->count == 0) return 0;
  size_t index = (size_t)(share * (double)all->count);
  return (double)all->values[index < all->count ? index : all->count - 1] / 1000;
}

#endif
