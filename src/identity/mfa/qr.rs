//! The enrolment's link as a QR code (ISO/IEC 18004) that a page can show as it is.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

use crate::base::Secret;
use crate::identity::Error;

/// How large it is at least, in CSS pixels.
const SIDE_PIXELS_MIN: u32 = 200;

/// An `svg` element without the XML declaration, a script or a style: it can stand in a page whose policy forbids both. Black on
/// white whatever the page's colours, since many cameras read nothing else.
pub(super) fn svg(link: &Secret) -> Result<String, Error> {
    let code =
        QrCode::with_error_correction_level(link.expose(), EcLevel::M).map_err(|_| Error::SeedDamaged)?;
    let document = code.render::<svg::Color<'_>>().min_dimensions(SIDE_PIXELS_MIN, SIDE_PIXELS_MIN).build();
    let element = document.find("<svg").and_then(|at| document.get(at..)).ok_or(Error::SeedDamaged)?;
    Ok(element.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_one_element_that_a_strict_policy_lets_stand() {
        let link = format!("otpauth://totp/Frontdesk:{}?secret={}", "a".repeat(250), "B".repeat(32));
        let picture = svg(&Secret::new(link)).unwrap();
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>"), "{picture}");
        for forbidden in ["style", "<script", "<?xml", " on", "href"] {
            assert!(!picture.contains(forbidden), "{forbidden}");
        }
        assert!(picture.contains("viewBox"));
    }
}
