//! A file that claims to be a picture, made into one that may be kept and shown.
//!
//! Only the pixels survive: the file is decoded within limits and written anew, so that what a camera noted (place, time,
//! serial number), what is hidden behind the end of the file and what only some decoders read stays behind. The content says
//! what it is, never its name or header; text, SVG among it, is no picture. The turn that a camera noted is carried
//! out first. Of a moving picture the first frame is kept, which is all that models look at; colours are kept as numbers,
//! without the profile that they were meant for.
//!
//! What is kept is a PNG, or a JPEG where the picture came as one or a PNG would be large, of at most [`EDGE_KEPT_MAX`] pixels
//! an edge: models look at no more. Decoding is pure Rust and runs under three limits (bytes, pixels, memory), all of
//! them looked at before the first pixel is decoded.

use std::io::Cursor;

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType as PngFilter, PngEncoder};
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits, RgbImage};

use super::Error;
use crate::ai::{IMAGE_BYTES_MAX, ImageType};
use crate::base::Pool;
use crate::files::{self, BlobHash};
use crate::store::Keyspace;

/// Bytes of a file that is sent as a picture.
pub const IMAGE_UPLOAD_BYTES_MAX: usize = 12 << 20;
/// Pixels of a picture that is sent: those of a camera, not of a bomb.
pub const IMAGE_PIXELS_MAX: u64 = 40_000_000;
/// Pixels of an edge of what is kept.
pub const EDGE_KEPT_MAX: u32 = 2_048;
const EDGE_SENT_MAX: u32 = 30_000;
/// Pixels of an edge that averaging leaves to the good filter.
const EDGE_AVERAGED: u32 = EDGE_KEPT_MAX / 2 * 3;
const DECODING_BYTES_MAX: u64 = 128 << 20;
/// A larger PNG is written as JPEG.
const PNG_KEPT_BYTES_MAX: usize = 1 << 20;
/// Tried in this order until the picture is small enough to be shown to a model.
const JPEG_QUALITIES: [u8; 3] = [88, 70, 45];

/// A picture that may be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// What the bytes are: PNG or JPEG.
    pub media_type: ImageType,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// At most [`IMAGE_BYTES_MAX`].
    pub bytes: Bytes,
}

/// Makes pictures clean, a bounded number at a time. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pictures {
    pool: Pool,
}

impl Pictures {
    /// At most `running_max` at a time, each of which may take some 250 MB for a moment, and `waiting_max` more in line.
    #[must_use]
    pub fn new(running_max: usize, waiting_max: usize) -> Self {
        Self { pool: Pool::new(running_max, waiting_max) }
    }

    /// The picture in a blob that was just put.
    ///
    /// # Errors
    /// [`Error::ImageUnknown`], [`Error::ImageDamaged`], [`Error::ImageTooLarge`]; [`Error::ImagesBusy`] at once when too many wait.
    pub async fn clean(&self, keyspace: &Keyspace, blob: BlobHash) -> Result<Picture, Error> {
        let keyspace = keyspace.clone();
        let work = move || clean(&files::read_blocking(&keyspace, blob, IMAGE_UPLOAD_BYTES_MAX as u64)?);
        self.pool.run(work).await.map_err(|_| Error::ImagesBusy)?
    }
}

/// The picture in `sent`. On this thread, for up to some seconds.
///
/// # Errors
/// [`Error::ImageUnknown`], [`Error::ImageDamaged`], [`Error::ImageTooLarge`].
pub fn clean(sent: &[u8]) -> Result<Picture, Error> {
    let format = image::guess_format(sent).map_err(|_| Error::ImageUnknown)?;
    if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Gif | ImageFormat::WebP) {
        return Err(Error::ImageUnknown);
    }
    if format == ImageFormat::Jpeg && !is_whole_jpeg(sent) {
        return Err(Error::ImageDamaged);
    }
    let (decoded, turn) = decode(sent, format)?;
    // Eight bits a channel are what the two formats and every model have in common.
    let decoded: DynamicImage =
        if decoded.color().has_alpha() { decoded.into_rgba8().into() } else { decoded.into_rgb8().into() };
    let mut kept = reduced(decoded);
    kept.apply_orientation(turn);
    encode(&kept, format == ImageFormat::Jpeg)
}

/// Whether a JPEG goes on to its end marker (ITU-T T.81, annex B); its decoder would fill with grey what is missing. What
/// follows the end, such as the film of a moving photo, is not looked at.
fn is_whole_jpeg(sent: &[u8]) -> bool {
    const END: u8 = 0xd9;
    const SCAN: u8 = 0xda;
    let mut at = 2_usize;
    while let Some(&[first, marker]) = sent.get(at..at + 2) {
        match (first, marker) {
            (0xff, END) => return true,
            (0xff, 0x01 | 0xd0..=0xd8) => at += 2,
            (0xff, 0x02..=0xfe) => {
                let length = sent
                    .get(at + 2..at + 4)
                    .map_or(0, |pair| pair.iter().fold(0, |length, byte| length * 256 + usize::from(*byte)));
                at += 2 + length;
                if marker == SCAN {
                    at += scan_bytes(sent.get(at..).unwrap_or_default());
                }
            }
            // Filling, or bytes that decoders pass over.
            _ => at += 1,
        }
    }
    false
}

/// Bytes of coded pixels before the next marker; within them 0xff is followed by 0 or a restart marker.
fn scan_bytes(coded: &[u8]) -> usize {
    let marker = coded
        .windows(2)
        .position(|pair| matches!(pair, [0xff, marker] if !matches!(marker, 0 | 0xd0..=0xd7)));
    marker.unwrap_or(coded.len())
}

/// The pixels, and the turn that they are to be shown with.
fn decode(sent: &[u8], format: ImageFormat) -> Result<(DynamicImage, Orientation), Error> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(EDGE_SENT_MAX);
    limits.max_image_height = Some(EDGE_SENT_MAX);
    limits.max_alloc = Some(DECODING_BYTES_MAX);
    let mut reader = ImageReader::with_format(Cursor::new(sent), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| refused(&error))?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(Error::ImageDamaged);
    }
    if u64::from(width) * u64::from(height) > IMAGE_PIXELS_MAX || decoder.total_bytes() > DECODING_BYTES_MAX {
        return Err(Error::ImageTooLarge);
    }
    // A turn that cannot be read is none.
    let turn = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok((DynamicImage::from_decoder(decoder).map_err(|error| refused(&error))?, turn))
}

fn refused(error: &ImageError) -> Error {
    match error {
        ImageError::Limits(_) => Error::ImageTooLarge,
        _ => Error::ImageDamaged,
    }
}

/// Made small enough to be kept, its proportions as they were.
fn reduced(picture: DynamicImage) -> DynamicImage {
    let edge = |picture: &DynamicImage| picture.width().max(picture.height());
    // Averaging first, in whole numbers: the good filter alone would need several times the memory of the picture.
    let picture = if edge(&picture) > EDGE_AVERAGED {
        picture.thumbnail(EDGE_AVERAGED, EDGE_AVERAGED)
    } else {
        picture
    };
    if edge(&picture) > EDGE_KEPT_MAX {
        picture.resize(EDGE_KEPT_MAX, EDGE_KEPT_MAX, FilterType::CatmullRom)
    } else {
        picture
    }
}

fn encode(picture: &DynamicImage, as_jpeg: bool) -> Result<Picture, Error> {
    let kept = |media_type, bytes: Vec<u8>| Picture {
        media_type,
        width: picture.width(),
        height: picture.height(),
        bytes: bytes.into(),
    };
    if !as_jpeg {
        let mut png = Vec::new();
        let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Default, PngFilter::Adaptive);
        picture.write_with_encoder(encoder).map_err(|_| Error::ImageDamaged)?;
        if png.len() <= PNG_KEPT_BYTES_MAX {
            return Ok(kept(ImageType::Png, png));
        }
    }
    let opaque = on_white(picture);
    for quality in JPEG_QUALITIES {
        let mut jpeg = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut jpeg, quality);
        opaque.write_with_encoder(encoder).map_err(|_| Error::ImageDamaged)?;
        if jpeg.len() <= IMAGE_BYTES_MAX {
            return Ok(kept(ImageType::Jpeg, jpeg));
        }
    }
    Err(Error::ImageTooLarge)
}

/// JPEG knows no transparency: what shines through is white, as on most pages.
fn on_white(picture: &DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    let over = |colour: u8, alpha: u8| {
        let (colour, alpha) = (u16::from(colour), u16::from(alpha));
        u8::try_from((colour * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
    };
    let source = picture.to_rgba8();
    let mut opaque = RgbImage::new(source.width(), source.height());
    for (pixel, target) in source.pixels().zip(opaque.pixels_mut()) {
        let [red, green, blue, alpha] = pixel.0;
        target.0 = [over(red, alpha), over(green, alpha), over(blue, alpha)];
    }
    opaque
}

#[cfg(test)]
mod tests {
    use image::{Rgb, Rgba, RgbaImage};
    use proptest::prelude::*;

    use super::*;

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        picture.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
        bytes
    }

    /// Red on the left, blue on the right.
    fn halves(width: u32, height: u32) -> DynamicImage {
        RgbImage::from_fn(
            width,
            height,
            |x, _| {
                if x * 2 < width { Rgb([220, 20, 20]) } else { Rgb([20, 20, 220]) }
            },
        )
        .into()
    }

    fn shown(picture: &Picture) -> DynamicImage {
        image::load_from_memory(&picture.bytes).unwrap()
    }

    /// Noise, which no format makes small.
    fn noise(width: u32, height: u32) -> DynamicImage {
        let mut state = 1_u32;
        RgbImage::from_fn(width, height, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [a, b, c, _] = state.to_be_bytes();
            Rgb([a, b, c])
        })
        .into()
    }

    /// An EXIF block that turns the picture a quarter (`orientation` 6) and tells a place, put behind a JPEG's first marker.
    fn with_exif(jpeg: &[u8], orientation: u8) -> Vec<u8> {
        let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x02".to_vec();
        exif.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
        exif.extend([0x88, 0x25, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0x26]);
        exif.extend([0, 0, 0, 0]);
        exif.extend(b"GPSLatitude 52.5200N");
        let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
    }

    #[test]
    fn every_format_is_told_by_its_content_and_kept_as_png_or_jpeg() {
        for (format, expected) in [
            (ImageFormat::Png, ImageType::Png),
            (ImageFormat::Gif, ImageType::Png),
            (ImageFormat::WebP, ImageType::Png),
            (ImageFormat::Jpeg, ImageType::Jpeg),
        ] {
            let picture = clean(&encoded(&halves(40, 20), format)).unwrap();
            assert_eq!((picture.media_type, picture.width, picture.height), (expected, 40, 20), "{format:?}");
            let pixels = shown(&picture).to_rgb8();
            assert!(pixels.get_pixel(5, 10)[0] > 180 && pixels.get_pixel(35, 10)[2] > 180, "{format:?}");
        }
    }

    #[test]
    fn what_a_camera_noted_is_gone_and_the_turn_is_carried_out() {
        let jpeg = encoded(&halves(40, 20), ImageFormat::Jpeg);
        let sent = with_exif(&jpeg, 6);
        let noted = |bytes: &[u8]| {
            [b"Exif".as_slice(), b"GPS"]
                .iter()
                .any(|word| bytes.windows(word.len()).any(|part| part == *word))
        };
        assert!(noted(&sent));
        let picture = clean(&sent).unwrap();
        assert!(!noted(&picture.bytes));
        assert_eq!((picture.width, picture.height), (20, 40));
        let pixels = shown(&picture).to_rgb8();
        assert!(pixels.get_pixel(10, 5)[0] > 180 && pixels.get_pixel(10, 35)[2] > 180);
    }

    #[test]
    fn what_follows_the_end_of_the_file_is_not_kept() {
        let mut sent = encoded(&halves(8, 8), ImageFormat::Png);
        sent.extend(b"<script>alert(1)</script>PK\x03\x04");
        let picture = clean(&sent).unwrap();
        assert!(!picture.bytes.windows(7).any(|part| part == b"<script"));
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let svg = br#"<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>"#;
        let others: [&[u8]; 6] =
            [b"", b"GIF", svg, b"<!doctype html><p>Hello", b"%PDF-1.7", b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0"];
        for sent in others {
            assert!(matches!(clean(sent), Err(Error::ImageUnknown)), "{sent:?}");
        }
    }

    #[test]
    fn a_picture_that_is_cut_off_or_damaged_is_refused() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
            let whole = encoded(&noise(60, 60), format);
            for part in [12, whole.len() / 3, whole.len() - whole.len() / 4] {
                assert!(matches!(clean(&whole[..part]), Err(Error::ImageDamaged)), "{format:?} {part}");
            }
        }
        let jpeg = encoded(&noise(60, 60), ImageFormat::Jpeg);
        // The film of a moving photo follows its end.
        assert!(clean(&[&jpeg[..], b"ftypmp42\xff\xda\xff\xda"].concat()).is_ok());
        let mut mislabelled = b"\x89PNG\r\n\x1a\n".to_vec();
        mislabelled.extend(jpeg);
        assert!(matches!(clean(&mislabelled), Err(Error::ImageDamaged)));
    }

    #[test]
    fn a_bomb_is_refused_before_a_pixel_of_it_is_decoded() {
        let mut sent = encoded(&halves(8, 8), ImageFormat::Png);
        // 20,000 x 20,000, and the header's checksum made right again.
        sent[16..24].copy_from_slice(&[0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20]);
        let checksum = crc(&sent[12..29]).to_be_bytes();
        sent[29..33].copy_from_slice(&checksum);
        assert!(matches!(clean(&sent), Err(Error::ImageTooLarge)));
        let mut gif = encoded(&halves(8, 8), ImageFormat::Gif);
        gif[6..10].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
        assert!(matches!(clean(&gif), Err(Error::ImageTooLarge | Error::ImageDamaged)));
    }

    /// CRC-32 as in PNG's specification, appendix D.
    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 }
            })
        })
    }

    #[test]
    fn a_large_picture_is_made_smaller_in_proportion_and_fits_every_model() {
        let picture = clean(&encoded(&halves(4_096, 1_024), ImageFormat::Png)).unwrap();
        assert_eq!((picture.width, picture.height), (2_048, 512));
        let picture = clean(&encoded(&noise(1_500, 1_500), ImageFormat::Png)).unwrap();
        assert_eq!((picture.media_type, picture.width), (ImageType::Jpeg, 1_500));
        assert!(picture.bytes.len() <= IMAGE_BYTES_MAX);
    }

    proptest! {
        #[test]
        fn a_file_with_any_of_its_bytes_changed_is_kept_whole_or_refused(
            format in 0_usize..4,
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        ) {
            let formats = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP];
            let mut sent = encoded(&halves(24, 16), formats[format]);
            for (place, byte) in changes {
                let place = place.index(sent.len());
                sent[place] = byte;
            }
            if let Ok(picture) = clean(&sent) {
                let again = clean(&picture.bytes).unwrap();
                prop_assert_eq!((again.width, again.height), (picture.width, picture.height));
            }
        }
    }

    #[test]
    fn what_shines_through_is_kept_in_a_png_and_white_in_a_jpeg() {
        let glass: DynamicImage = RgbaImage::from_pixel(4, 4, Rgba([255, 0, 0, 0])).into();
        let picture = clean(&encoded(&glass, ImageFormat::Png)).unwrap();
        assert_eq!(shown(&picture).to_rgba8().get_pixel(0, 0)[3], 0);
        assert_eq!(on_white(&glass).get_pixel(0, 0).0, [255, 255, 255]);
    }
}
