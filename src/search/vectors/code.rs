//! A vector as 8-bit codes, and the arithmetic of unit vectors.
//!
//! A code stands for the direction of its integers: `codes * inverse_norm` has length one exactly, so the
//! product of two codes is a true cosine, never above 1 but for rounding, and a vector is nearest to itself.
//! (The usual scale, the largest component over 127, lets products of near-duplicates pass 1, where a graph
//! can no longer tell them apart.)

use super::{Error, simd};

/// The most dimensions an index takes; keeps 32-bit sums of products exact (65,536 * 127 * 127 < 2^31).
pub const DIMENSIONS_MAX: usize = 65_536;

/// A direction in 8 bits a dimension.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Code {
    /// One integer a dimension, in -127..=127, not all zero.
    pub(super) codes: Vec<i8>,
    /// One over the Euclidean length of `codes`.
    pub(super) inverse_norm: f32,
}

impl Code {
    /// The nearest code of a unit vector.
    #[allow(clippy::cast_possible_truncation, reason = "rounded and clamped to the range before the cast")]
    pub(super) fn quantise(unit: &[f32]) -> Self {
        let largest = unit.iter().fold(f32::MIN_POSITIVE, |most, x| most.max(x.abs()));
        let scale = 127.0 / largest;
        let codes: Vec<i8> = unit.iter().map(|x| (x * scale).round().clamp(-127.0, 127.0) as i8).collect();
        let inverse_norm = inverse_norm(&codes);
        Self { codes, inverse_norm }
    }

    /// How far the code's direction lies from the unit vector it was made of.
    pub(super) fn residual(&self, unit: &[f32]) -> f32 {
        let squares = self.codes.iter().zip(unit).map(|(&c, x)| {
            let difference = f32::from(c) * self.inverse_norm - x;
            difference * difference
        });
        squares.sum::<f32>().sqrt()
    }

    /// The cosine to another code.
    pub(super) fn cosine(&self, codes: &[i8], inverse_norm: f32) -> f32 {
        cosine(simd::dot(&self.codes, codes), self.inverse_norm, inverse_norm)
    }
}

/// One over the length of a row of codes; 0 for a row of zeros.
#[allow(clippy::cast_possible_truncation, reason = "an f32 is what is stored")]
pub(super) fn inverse_norm(codes: &[i8]) -> f32 {
    let squares = f64::from(simd::dot(codes, codes));
    if squares > 0.0 { (1.0 / squares.sqrt()) as f32 } else { 0.0 }
}

/// The cosine that an integer dot product and two inverse norms stand for.
#[allow(clippy::cast_precision_loss, reason = "24 bits of a sum of products of 7 bits are ample")]
pub(super) fn cosine(dot: i32, inverse_a: f32, inverse_b: f32) -> f32 {
    dot as f32 * inverse_a * inverse_b
}

/// The vector at length one; refuses what has no direction.
#[allow(clippy::cast_possible_truncation, reason = "components of a unit vector fit an f32")]
pub(super) fn unit(vector: &[f32], dimensions: usize) -> Result<Vec<f32>, Error> {
    if vector.len() != dimensions {
        return Err(Error::Dimensions { expected: dimensions, actual: vector.len() });
    }
    if !vector.iter().all(|x| x.is_finite()) {
        return Err(Error::NotFinite);
    }
    let norm = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
    if norm == 0.0 {
        return Err(Error::Zero);
    }
    Ok(vector.iter().map(|&x| (f64::from(x) / norm) as f32).collect())
}

/// The cosine of a unit vector to any vector; `None` where that has no direction.
pub(super) fn exact_cosine(unit: &[f32], vector: &[f32]) -> Option<f32> {
    let cosine = product(unit, vector) / product(vector, vector).sqrt();
    cosine.is_finite().then(|| cosine.clamp(-1.0, 1.0))
}

/// A dot product in sixteen running sums, which the compiler turns into SIMD (a single float sum it may not).
fn product(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_tail), (b, b_tail)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    let mut sums = [0.0f32; 16];
    for (a, b) in a.iter().zip(b) {
        for ((sum, x), y) in sums.iter_mut().zip(a).zip(b) {
            *sum += x * y;
        }
    }
    sums.iter().sum::<f32>() + a_tail.iter().zip(b_tail).map(|(x, y)| x * y).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_direction_is_refused() {
        assert!(matches!(unit(&[1.0], 2), Err(Error::Dimensions { expected: 2, actual: 1 })));
        assert!(matches!(unit(&[1.0, f32::NAN], 2), Err(Error::NotFinite)));
        assert!(matches!(unit(&[f32::INFINITY, 1.0], 2), Err(Error::NotFinite)));
        assert!(matches!(unit(&[0.0, -0.0], 2), Err(Error::Zero)));
    }

    #[test]
    fn the_largest_and_smallest_floats_have_a_direction() {
        assert_eq!(unit(&[f32::MAX, 0.0], 2).unwrap(), [1.0, 0.0]);
        assert_eq!(unit(&[1e-45, 0.0], 2).unwrap(), [1.0, 0.0]);
    }

    #[test]
    fn a_code_is_close_to_its_vector_and_nearest_to_itself() {
        let vector: Vec<f32> = (0..100u8).map(|i| (f32::from(i) * 0.7).sin()).collect();
        let unit = unit(&vector, 100).unwrap();
        let code = Code::quantise(&unit);
        assert!(code.residual(&unit) < 0.01);
        assert!((code.cosine(&code.codes, code.inverse_norm) - 1.0).abs() < 1e-6);
        assert!((exact_cosine(&unit, &vector).unwrap() - 1.0).abs() < 1e-6);
        assert_eq!(exact_cosine(&unit, &[0.0; 100]), None);
    }
}
