//! The files that the OSS C++ SDK leaves of an interrupted download, in the format of
//! tests/data/checkpoint/cpp-sdk-record.

use std::fmt::Write;
use std::path::Path;

use openssl::hash::{MessageDigest, hash};

use crate::fixture::{BUCKET, KEY};

/// The name of its record of the download to `target`.
pub fn record_name(target: &Path) -> String {
    let source = format!("oss://{BUCKET}/{KEY}");
    format!("{}--{}", md5(&source), md5(&target.display().to_string()))
}

/// The record of a download of `object` in parts of `part_size`, of which every `every`-th is missing, and the
/// temporary file. `None` if there would be no part.
pub fn stopped(
    target: &Path,
    object: &[u8],
    part_size: u64,
    every: u64,
) -> Option<(String, Vec<u8>)> {
    let mut temp = Vec::new();
    let mut parts = String::new();
    for (n, part) in (1..).zip(object.chunks(part_size as usize)) {
        if n % every == 0 {
            temp.resize(temp.len() + part.len(), 0);
            continue;
        }
        temp.extend(part);
        let comma = if parts.is_empty() { "" } else { "," };
        let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Xz, part);
        let size = part.len();
        write!(
            parts,
            "{comma}\n\t\t{{\n\t\t\t\"crc64\" : {crc},\n\t\t\t\"partNumber\" : {n},\n\t\t\t\"size\" : {size}\n\t\t}}"
        )
        .expect("text");
    }
    let text = |sum: &str| {
        format!(
            "{{\n\t\"bucket\" : \"{BUCKET}\",\n\t\"filePath\" : \"{}\",\n\t\"key\" : \"{KEY}\",{sum}\n\t\"mtime\" : \"\",\n\t\"opType\" : \"ResumableDownload\",\n\t\"partSize\" : {part_size},\n\t\"parts\" : \n\t[{parts}\n\t],\n\t\"size\" : {}\n}}",
            target.display(),
            object.len()
        )
    };
    let sum = md5(&text(""));
    let record = text(&format!("\n\t\"md5Sum\" : \"{sum}\","));
    (!parts.is_empty()).then_some((record, temp))
}

fn md5(text: &str) -> String {
    let digest = hash(MessageDigest::md5(), text.as_bytes()).expect("MD5");
    digest.iter().map(|byte| format!("{byte:02X}")).collect()
}
