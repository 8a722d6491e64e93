#ifndef SLUICE_KERNELS_H
#define SLUICE_KERNELS_H

// The engine's inner loops, compiled once for each set of vector instructions.
//
// The order of the additions within each sum is fixed and the same in all sets, so one machine gives the same bits however
// often and beside whatever it computes. Between sets the last bits may differ: the baseline of x86-64 has no fused
// multiply-add.

// Every set computes with vectors of so many floats, a cache line, which it makes of one, two or four of the machine's own.
// Columns of a matrix, and lengths of vectors that are written, are rounded up to it. It is also how many streams are
// stepped at once, each in a lane of its own.
#define SLUICE_KERNELS_WIDTH 16

// The most columns of a matrix that `dots` takes.
#define SLUICE_KERNELS_DOTS 4

struct sluice_kernels {
    // "baseline", "avx2", "avx512" or "neon".
    const char *name;

    // Vectors whose sums are kept in registers at once: enough to hide a multiply-add's latency, and, where a core reads no more
    // vectors than it multiplies, for what they share to be read seldom. A power of two.
    //
    // A matrix stands in blocks, so that it is read from end to end: for `affine` blocks of so many vectors of columns, for
    // `affine_lanes` of so many columns, row by row within a block. What is left over stands in blocks of half the width, a
    // quarter, …, 1, each at most once.
    long sums;

    // Bytes of weights that a stream alone reads as fast as it computes with them: what the first cache holds, where the
    // vectors are wide, and much of the second where they are not.
    long cached_bytes;

    // y = b + x·W + h·U, added up in this order. `units` may be 0, where there is no second product.
    //
    // y, b: (columns). x: (rows). h: (units). W: (rows, columns) and U: (units, columns), in blocks, see `sums`. columns is
    // a multiple of the width.
    void (*affine)(
        float *y, const float *b, const float *x, long rows, const float *w, const float *h, long units, const float *u,
        long columns);

    // y = b + x·W, for at most SLUICE_KERNELS_DOTS columns, where `affine` would compute mostly what fills up a vector.
    //
    // Each sum is of four, of every fourth row, beginning with what the rows are more than a multiple of four:
    // b + ((s0 + s2) + (s1 + s3)). y, b: (columns), with room for four. x: (rows). W: (columns, rows), each row filled up with
    // zeros to a multiple of four.
    void (*dots)(float *y, const float *b, const float *x, long rows, const float *w, long columns);

    // y = 1 / (1 + e^-y), of `count` floats; those up to the next multiple of the width may be overwritten too.
    void (*sigmoid)(float *y, long count);

    // y = tanh y, likewise.
    void (*tanh)(float *y, long count);

    // Puts a gated layer's weights, shape (rows, gates · units), in the order in which `lstm` and `gru` read them: in panels of
    // some units, row by row within a panel, with all gates of these units side by side. A bias is a matrix of one row.
    // Returns how many floats they take, filled up with zeros; `out` may be NULL.
    long (*panels)(float *out, const float *values, long rows, long gates, long units);

    // An LSTM's timestep. From the four gates i, f, c, o, z = b + x·W + h·U, added up in this order,
    //
    //     c = σ(zf) c + σ(zi) tanh(zc)
    //     h = σ(zo) tanh(c)
    //
    // state: h then c, (2 · units), both replaced; a width more may be read. x: (rows). b, W and U: in panels. next: (units),
    // scratch, with room for a width more. Returns whether the state is finite.
    int (*lstm)(
        float *state, const float *b, const float *x, long rows, const float *w, const float *u, long units, float *next);

    // Many of them, one after another until the state is not finite.
    //
    // x: (steps, rows). outputs: (steps, units), the hidden state after each; a width more may be read. Returns how many
    // timesteps left the state finite; where that is not all of them, one more was taken.
    long (*lstm_all)(
        float *state, const float *b, const float *x, long rows, const float *w, const float *u, long units, float *outputs,
        long steps);

    // A GRU's timestep that resets after the recurrent weights. From z, r and candidate of the input in a = b + x·W, and of the
    // hidden state in b' + h·U,
    //
    //     z = σ(az + bz)
    //     r = σ(ar + br)
    //     h = z h + (1 − z) tanh(ah + r bh)
    //
    // h: (units), replaced; a width more may be read. x: (rows). b, b', W and U: in panels. next: as for `lstm`. Returns
    // whether the state is finite.
    int (*gru)(
        float *h, const float *b, const float *recurrent_b, const float *x, long rows, const float *w, const float *u,
        long units, float *next);

    // Many of them, likewise.
    long (*gru_all)(
        float *h, const float *b, const float *recurrent_b, const float *x, long rows, const float *w, const float *u,
        long units, float *outputs, long steps);

    // For many streams at once, whose values stand in tiles, shape (n, lanes): value k of every stream side by side. `sigmoid`
    // and `tanh` take a tile as they take a vector, with n · lanes values. Each has the order of additions of that for a stream
    // alone.

    // y = b + x·W + h·U in each lane.
    //
    // y: (columns, lanes). b: (columns). x: (rows, lanes). h: (units, lanes). W and U: in blocks, see `sums`.
    void (*affine_lanes)(
        float *y, const float *b, const float *x, long rows, const float *w, const float *h, long units, const float *u,
        long columns);

    // `dots` in each lane, with the same W.
    void (*dots_lanes)(float *y, const float *b, const float *x, long rows, const float *w, long columns);

    // The end of an LSTM's timestep from the four gates, one after another in z, of `count` values each: units · lanes. z is
    // overwritten.
    //
    // state: h then c, (2 · units, lanes), both replaced.
    void (*lstm_lanes)(float *state, float *z, long count);

    // The end of a GRU's timestep, likewise: from z, r and candidate of the input in a, which is overwritten, and of the hidden
    // state in b.
    void (*gru_lanes)(float *h, float *a, const float *b, long count);

    // tile[k][lane] = rows[lane][k], k < count. As many rows as lanes.
    void (*gather)(float *tile, const float *const *rows, long count);

    // rows[lane][k] = tile[k][lane], likewise.
    void (*scatter)(float *const *rows, const float *tile, long count);

    // The lanes, lane 0 in the lowest bit, whose `count` values are all finite.
    unsigned (*finite_lanes)(const float *tile, long count);

    // For many timesteps at once, whose values stand one after another, with the order of additions of that for one alone.

    // `affine` of one product: y = b + x·W of each timestep.
    //
    // y: (steps, columns), and nothing past it is touched. b: (columns). x: (steps, rows). W: as for `affine`; `columns` is how
    // many it has without what fills it up.
    void (*affine_rows)(float *y, const float *b, const float *x, long steps, long rows, const float *w, long columns);

    // `dots_lanes`, of as many timesteps as there are lanes: x: (lanes, rows).
    void (*dots_rows)(float *y, const float *b, const float *x, long rows, const float *w, long columns);
};

// The sets that this machine can run, best first; the count is put into `count`, at least 1.
const struct sluice_kernels *const *sluice_kernels_available(int *count);

#endif
