//! Pictures that a person shows to the model.
//!
//! The bytes are sent as they are, in base64; whoever makes an [`Image`] has looked at them and knows what they are.
//! The limits are the narrowest of the vendors', so that a conversation that fits here fits everywhere.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Bytes of one picture: 5 MiB in base64, which is where Anthropic draws the line.
pub const IMAGE_BYTES_MAX: usize = 5 * 1024 * 1024 / 4 * 3;
/// Pictures in one request, all messages together.
pub const IMAGES_MAX: usize = 16;
/// Bytes of all pictures in one request: 16 MiB in base64, below Google's 20 MB for everything.
pub const IMAGES_BYTES_MAX: usize = 12 * 1024 * 1024;

/// What a picture weighs where the server does not tell, in bytes of text: some 1,600 tokens, which is what most vendors count
/// for one of the size that they reduce them to.
pub(super) const IMAGE_WEIGHT_BYTES: usize = 6_400;

/// The formats that models read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ImageType {
    /// Portable Network Graphics.
    #[serde(rename = "image/png")]
    Png,
    /// JPEG.
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// GIF, of which a model sees the first picture. Google's models do not read it.
    #[serde(rename = "image/gif")]
    Gif,
    /// WebP.
    #[serde(rename = "image/webp")]
    Webp,
}

impl ImageType {
    /// The media type (RFC 6838).
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
        }
    }

    /// The format that a media type names, if models read it.
    #[must_use]
    pub fn parse(media_type: &str) -> Option<Self> {
        [Self::Png, Self::Jpeg, Self::Gif, Self::Webp]
            .into_iter()
            .find(|known| known.media_type().eq_ignore_ascii_case(media_type.trim()))
    }
}

/// A picture.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// What the bytes are.
    pub media_type: ImageType,
    /// At most [`IMAGE_BYTES_MAX`].
    pub bytes: Bytes,
}

impl Image {
    /// The bytes in base64 (RFC 4648 §4).
    pub(super) fn base64(&self) -> String {
        BASE64_STANDARD.encode(&self.bytes)
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({}, {} bytes)", self.media_type.media_type(), self.bytes.len())
    }
}

/// Why these pictures cannot be sent, if they cannot.
pub(super) fn misfit<'a>(images: impl IntoIterator<Item = &'a Image>) -> Option<&'static str> {
    let (mut count, mut bytes) = (0_usize, 0_usize);
    for image in images {
        count += 1;
        bytes = bytes.saturating_add(image.bytes.len());
        if image.bytes.is_empty() {
            return Some("a picture is empty");
        }
        if image.bytes.len() > IMAGE_BYTES_MAX {
            return Some("a picture is larger than 3,932,160 bytes");
        }
    }
    if count > IMAGES_MAX {
        return Some("there are more than 16 pictures");
    }
    (bytes > IMAGES_BYTES_MAX).then_some("the pictures together are larger than 12 MiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(bytes: usize) -> Image {
        Image { media_type: ImageType::Png, bytes: vec![7; bytes].into() }
    }

    #[test]
    fn pictures_are_measured_one_by_one_and_together() {
        assert_eq!(IMAGE_BYTES_MAX, 3_932_160);
        let fits = |images: &[Image]| misfit(images).is_none();
        assert!(fits(&[]) && fits(&[image(IMAGE_BYTES_MAX)]) && fits(&vec![image(9); IMAGES_MAX]));
        assert!(!fits(&[image(0)]));
        assert!(!fits(&[image(IMAGE_BYTES_MAX + 1)]));
        assert!(!fits(&vec![image(9); IMAGES_MAX + 1]));
        assert!(!fits(&vec![image(IMAGE_BYTES_MAX); 4]));
    }

    #[test]
    fn a_picture_is_not_printed() {
        assert_eq!(format!("{:?}", image(3)), "Image(image/png, 3 bytes)");
    }

    #[test]
    fn every_format_is_known_by_its_media_type() {
        for known in [ImageType::Png, ImageType::Jpeg, ImageType::Gif, ImageType::Webp] {
            assert_eq!(ImageType::parse(known.media_type()), Some(known));
        }
        assert_eq!(ImageType::parse("image/svg+xml"), None);
    }
}
