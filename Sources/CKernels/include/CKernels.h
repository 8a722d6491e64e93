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

struct sluice_kernels {
    // "baseline", "avx2", "avx512" or "neon".
    const char *name;

    // Vectors whose sums are kept in registers at once: enough to hide a multiply-add's latency. A power of two.
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

    // y = 1 / (1 + e^-y), of `count` floats; those up to the next multiple of the width are overwritten too.
    void (*sigmoid)(float *y, long count);

    // y = tanh y, likewise.
    void (*tanh)(float *y, long count);

    // The end of an LSTM's timestep: from the four gates i, f, c, o side by side in z, `units` floats each,
    //
    //     c = σ(zf) c + σ(zi) tanh(zc)
    //     h = σ(zo) tanh(c)
    //
    // state: h then c, (2 · units), both replaced. z: (4 · units). Of both a width more may be read.
    void (*lstm)(float *state, const float *z, long units);

    // The end of a GRU's timestep that resets after the recurrent weights: from z, r and candidate of the input side by side
    // in a, and of the hidden state in b, `units` floats each,
    //
    //     z = σ(az + bz)
    //     r = σ(ar + br)
    //     h = z h + (1 − z) tanh(ah + r bh)
    //
    // h: (units), replaced. a, b: (3 · units). Of all a width more may be read.
    void (*gru)(float *h, const float *a, const float *b, long units);

    // For many streams at once, whose values stand in tiles, shape (n, lanes): value k of every stream side by side. What is
    // computed value by value, as `sigmoid`, `lstm` and `gru`, takes a tile as it takes a vector, with n · lanes values.

    // y = b + x·W + h·U in each lane, with the additions in the order of `affine`.
    //
    // y: (columns, lanes). b: (columns). x: (rows, lanes). h: (units, lanes). W and U: in blocks, see `sums`.
    void (*affine_lanes)(
        float *y, const float *b, const float *x, long rows, const float *w, const float *h, long units, const float *u,
        long columns);

    // tile[k][lane] = rows[lane][k], k < count. As many rows as lanes.
    void (*gather)(float *tile, const float *const *rows, long count);

    // rows[lane][k] = tile[k][lane], likewise.
    void (*scatter)(float *const *rows, const float *tile, long count);

    // The lanes, lane 0 in the lowest bit, whose `count` values are all finite.
    unsigned (*finite_lanes)(const float *tile, long count);
};

// The sets that this machine can run, best first; the count is put into `count`, at least 1.
const struct sluice_kernels *const *sluice_kernels_available(int *count);

#endif
