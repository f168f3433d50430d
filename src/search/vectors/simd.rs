//! Dot products of 8-bit vectors: the portable one, and the same with AVX2 where the processor has it.
//!
//! The one file of the crate with `unsafe`. Codes lie in -127..=127 (`code::quantise` never makes -128), which
//! is what keeps the 16-bit intermediate sums of the AVX2 kernel exact; the portable kernel takes anything.
//! An AVX-512 VNNI kernel was left out: above 50,000 rows the scan waits for memory and VNNI measured no
//! faster, and below that it would save some tens of microseconds.
#![allow(unsafe_code, reason = "processor intrinsics; each block carries its proof")]

/// The dot product of `a` and `b`, over the shorter length.
pub(super) fn dot(a: &[i8], b: &[i8]) -> i32 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the only requirement of the function is AVX2, and it was just detected.
        return unsafe { avx2::dot(a, b) };
    }
    dot_portable(a, b)
}

/// The dot products of `query` with consecutive rows of the same length, one for each place in `out`.
/// Rows that are missing leave their place as it was.
pub(super) fn dots(query: &[i8], rows: &[i8], out: &mut [i32]) {
    if query.is_empty() {
        return out.fill(0);
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the only requirement of the function is AVX2, and it was just detected.
        return unsafe { avx2::dots(query, rows, out) };
    }
    dots_portable(query, rows, out);
}

/// [`dot`] in plain Rust.
pub(super) fn dot_portable(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&x, &y)| i32::from(x) * i32::from(y)).sum()
}

/// [`dots`] in plain Rust.
pub(super) fn dots_portable(query: &[i8], rows: &[i8], out: &mut [i32]) {
    for (row, out) in rows.chunks_exact(query.len().max(1)).zip(out) {
        *out = dot_portable(query, row);
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m128i, __m256i, _MM_HINT_T0, _mm_add_epi32, _mm_cvtsi128_si32, _mm_hadd_epi32, _mm_prefetch,
        _mm256_abs_epi8, _mm256_add_epi32, _mm256_castsi256_si128, _mm256_extracti128_si256,
        _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_set1_epi16, _mm256_setzero_si256,
        _mm256_sign_epi8,
    };

    const LANES: usize = 32;
    /// How far ahead of the scan memory is asked for. The processor's own prefetcher stops at each page.
    const AHEAD_BYTES: usize = 8192;
    const CACHE_LINE_BYTES: usize = 64;

    #[target_feature(enable = "avx2")]
    #[inline]
    fn ask_for(rows: &[i8]) {
        let ahead = rows.as_ptr().wrapping_add(AHEAD_BYTES);
        for line in (0..rows.len()).step_by(CACHE_LINE_BYTES) {
            _mm_prefetch::<_MM_HINT_T0>(ahead.wrapping_add(line));
        }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    #[allow(clippy::cast_ptr_alignment, reason = "`loadu` is the load without alignment")]
    fn load(lanes: &[i8; LANES]) -> __m256i {
        // SAFETY: the reference points at 32 readable bytes, all that is read; `loadu` has no alignment.
        unsafe { _mm256_loadu_si256(std::ptr::from_ref(lanes).cast::<__m256i>()) }
    }

    /// Adds the 32 products to the eight sums. `magnitude` is |x|, so |x| * (y with the sign of x) is x * y;
    /// a 16-bit lane holds at most 2 * 127 * 127 = 32,258, which does not saturate.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn accumulate(sums: __m256i, x: __m256i, magnitude: __m256i, y: __m256i) -> __m256i {
        let pairs = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(y, x));
        _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn total(sums: __m256i) -> i32 {
        let half: __m128i = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
        let quarter = _mm_hadd_epi32(half, half);
        _mm_cvtsi128_si32(_mm_hadd_epi32(quarter, quarter))
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn dot(a: &[i8], b: &[i8]) -> i32 {
        let shared = a.len().min(b.len());
        let (a, b) = (a.get(..shared).unwrap_or(a), b.get(..shared).unwrap_or(b));
        let ((a_whole, a_tail), (b_whole, b_tail)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        let (mut even, mut odd) = (_mm256_setzero_si256(), _mm256_setzero_si256());
        let ((a_pairs, a_last), (b_pairs, b_last)) = (a_whole.as_chunks::<2>(), b_whole.as_chunks::<2>());
        for ([a0, a1], [b0, b1]) in a_pairs.iter().zip(b_pairs) {
            let (x0, x1) = (load(a0), load(a1));
            even = accumulate(even, x0, _mm256_abs_epi8(x0), load(b0));
            odd = accumulate(odd, x1, _mm256_abs_epi8(x1), load(b1));
        }
        for (x, y) in a_last.iter().zip(b_last) {
            let x = load(x);
            even = accumulate(even, x, _mm256_abs_epi8(x), load(y));
        }
        total(_mm256_add_epi32(even, odd)) + super::dot_portable(a_tail, b_tail)
    }

    /// Four rows at a time, so that each part of the query is loaded once for four products.
    #[target_feature(enable = "avx2")]
    pub(super) fn dots(query: &[i8], rows: &[i8], out: &mut [i32]) {
        let width = query.len();
        let mut fours = rows.chunks_exact(4 * width);
        let mut outs = out.chunks_exact_mut(4);
        let mut done = 0;
        for (rows, out) in (&mut fours).zip(&mut outs) {
            ask_for(rows);
            out.copy_from_slice(&four(query, rows));
            done += 4;
        }
        let rest = rows.get(done * width..).unwrap_or_default();
        for (row, out) in rest.chunks_exact(width).zip(out.get_mut(done..).unwrap_or_default()) {
            *out = dot(query, row);
        }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    #[allow(clippy::many_single_char_names, reason = "four rows and a query, as one reads them in a formula")]
    fn four(query: &[i8], rows: &[i8]) -> [i32; 4] {
        let width = query.len();
        let (first, rest) = rows.split_at(width.min(rows.len()));
        let (second, rest) = rest.split_at(width.min(rest.len()));
        let (third, fourth) = rest.split_at(width.min(rest.len()));
        let (q, q_tail) = query.as_chunks::<LANES>();
        let (a, a_tail) = first.as_chunks::<LANES>();
        let (b, b_tail) = second.as_chunks::<LANES>();
        let (c, c_tail) = third.as_chunks::<LANES>();
        let (d, d_tail) = fourth.as_chunks::<LANES>();
        let mut sums = [_mm256_setzero_si256(); 4];
        for ((((q, a), b), c), d) in q.iter().zip(a).zip(b).zip(c).zip(d) {
            let x = load(q);
            let magnitude = _mm256_abs_epi8(x);
            let [s0, s1, s2, s3] = sums;
            sums = [
                accumulate(s0, x, magnitude, load(a)),
                accumulate(s1, x, magnitude, load(b)),
                accumulate(s2, x, magnitude, load(c)),
                accumulate(s3, x, magnitude, load(d)),
            ];
        }
        let [s0, s1, s2, s3] = sums;
        let mut totals = [total(s0), total(s1), total(s2), total(s3)];
        if !q_tail.is_empty() {
            let tails = [a_tail, b_tail, c_tail, d_tail];
            for (total, tail) in totals.iter_mut().zip(tails) {
                *total += super::dot_portable(q_tail, tail);
            }
        }
        totals
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_detected_kernel_agrees_with_the_portable_one(
            pairs in prop::collection::vec((-127i8..=127, -127i8..=127), 0..300),
        ) {
            let (a, b): (Vec<i8>, Vec<i8>) = pairs.into_iter().unzip();
            prop_assert_eq!(dot(&a, &b), dot_portable(&a, &b));
        }

        #[test]
        fn many_rows_at_once_agree_with_one_by_one(
            width in 1usize..140,
            count in 0usize..11,
            seed in prop::collection::vec(-127i8..=127, 140 * 12),
        ) {
            let query = &seed[..width];
            let rows = &seed[width..width + width * count];
            let (mut fast, mut slow) = (vec![7; count], vec![9; count]);
            dots(query, rows, &mut fast);
            dots_portable(query, rows, &mut slow);
            prop_assert_eq!(fast, slow);
        }
    }

    #[test]
    fn the_largest_codes_do_not_saturate() {
        for length in [1, 31, 32, 33, 64, 384, 4096] {
            let (high, low) = (vec![127i8; length], vec![-127i8; length]);
            let expected = i32::try_from(length).unwrap() * 127 * 127;
            assert_eq!(dot(&high, &high), expected);
            assert_eq!(dot(&low, &low), expected);
            assert_eq!(dot(&high, &low), -expected);
        }
    }

    #[test]
    fn uneven_lengths_are_compared_over_the_shorter() {
        assert_eq!(dot(&[1; 70], &[2; 33]), 66);
        assert_eq!(dot(&[], &[1]), 0);
        let mut out = [5, 5, 5];
        dots(&[1, 1], &[1, 1, 2, 2], &mut out);
        assert_eq!(out, [2, 4, 5]);
    }
}
