//! A record as the OSS C++ SDK writes it, of parts in the temporary file.

use crc_fast::{CrcAlgorithm, checksum};
use openssl::hash::{MessageDigest, hash};

use super::disk::Files;
use super::fixture::{CHECKPOINTS, PowerFixture, TARGET, TEMP};
use crate::fixture::{BUCKET, KEY, PART};

/// The files that the SDK left: its record and its temporary file.
pub struct SdkLeftovers {
    record: String,
    /// Each with its offset.
    parts: Vec<(usize, Vec<u8>)>,
    len: usize,
}

impl SdkLeftovers {
    /// Creates the record of these parts of the object, counted from 1, and the SDK's temporary file.
    pub fn of(fixture: &PowerFixture, numbers: &[usize]) -> Self {
        let object = fixture.wanted();
        let part = PART as usize;
        let parts = numbers.iter().map(|number| {
            let offset = (number - 1) * part;
            (offset, object[offset..object.len().min(offset + part)].to_vec())
        });
        let target = fixture.root().join(TARGET);
        let target = target.to_str().expect("UTF-8");
        let source = format!("oss://{BUCKET}/{KEY}");
        let left = SdkLeftovers {
            record: format!("{CHECKPOINTS}/{}--{}", md5(&source), md5(target)),
            parts: parts.collect(),
            len: object.len(),
        };
        let mut temp =
            vec![0; left.parts.iter().map(|(at, bytes)| at + bytes.len()).max().unwrap_or(0)];
        for (at, bytes) in &left.parts {
            temp[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        let record = left.text(target).into_bytes();
        fixture.put(&Files::from([(left.record.clone(), record), (TEMP.to_owned(), temp)]));
        left
    }

    fn text(&self, target: &str) -> String {
        let part = |(at, bytes): &(usize, Vec<u8>)| {
            let number = at / PART as usize + 1;
            let crc = checksum(CrcAlgorithm::Crc64Xz, bytes);
            format!("{{\"crc64\" : {crc}, \"partNumber\" : {number}, \"size\" : {}}}", bytes.len())
        };
        let parts: Vec<_> = self.parts.iter().map(part).collect();
        let before = format!(
            "{{\n\t\"bucket\" : \"{BUCKET}\",\n\t\"filePath\" : \"{target}\",\n\t\"key\" : \"{KEY}\","
        );
        let after = format!(
            "\n\t\"mtime\" : \"\",\n\t\"opType\" : \"ResumableDownload\",\n\t\"partSize\" : {PART},\
             \n\t\"parts\" : [{}],\n\t\"size\" : {}\n}}",
            parts.join(", "),
            self.len
        );
        // The sum of the text without this line.
        let sum = md5(&(before.clone() + &after));
        format!("{before}\n\t\"md5Sum\" : \"{sum}\",{after}")
    }

    /// The SDK trusts its record: while it exists, the bytes that it lists must be there.
    pub fn assert_true(&self, left: &Files) {
        if !left.contains_key(&self.record) {
            return;
        }
        let temp = left.get(TEMP).expect("the file of the SDK's record");
        for (at, bytes) in &self.parts {
            let held = temp.get(*at..at + bytes.len());
            assert!(held == Some(bytes), "the SDK's record lists bytes that are lost");
        }
    }
}

fn md5(text: &str) -> String {
    let digest = hash(MessageDigest::md5(), text.as_bytes()).expect("MD5");
    digest.iter().map(|byte| format!("{byte:02X}")).collect()
}
