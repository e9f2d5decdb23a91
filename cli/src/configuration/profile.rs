//! The configuration file of ossutil 2: an INI file whose sections are profiles.

use std::collections::HashMap;

/// Values of a profile, by their names without `-`, `_` and upper case: `access-key-id`, `access_key_id` and
/// `accessKeyId` are one name.
pub type Profile = HashMap<String, String>;

const SOURCE: &str = "sourceprofile";

/// The profiles of a file.
#[derive(Debug, Default)]
pub struct Profiles(HashMap<String, Profile>);

impl Profiles {
    /// Reads a file; fails with the number of a line that is neither a section, a value nor a comment. Sections that are
    /// no profiles, such as `[buckets NAME]`, are left out.
    pub fn parse(text: &str) -> Result<Self, usize> {
        let mut profiles = HashMap::<String, Profile>::new();
        let mut section: Option<String> = None;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (index, line) in text.lines().map(str::trim).enumerate() {
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = line.strip_prefix('[') {
                section = profile_name(name.strip_suffix(']').ok_or(index + 1)?);
                if let Some(name) = &section {
                    profiles.entry(name.clone()).or_default();
                }
                continue;
            }
            // The values of a bucket may be indented lines of other forms.
            let Some(name) = &section else { continue };
            let (key, value) = line.split_once('=').ok_or(index + 1)?;
            let value = unquoted(value.trim()).to_owned();
            profiles.entry(name.clone()).or_default().insert(normalized(key), value);
        }
        Ok(Profiles(profiles))
    }

    /// The values of a profile, completed by those of its `source-profile`. `None` if there is no such profile.
    pub fn find(&self, name: &str) -> Option<Profile> {
        let mut found = self.0.get(&name.to_ascii_lowercase())?.clone();
        let mut next = found.remove(SOURCE);
        // More steps than profiles would be a cycle.
        for _ in 0..self.0.len() {
            let Some(source) = next.and_then(|name| self.0.get(&name.to_ascii_lowercase())) else {
                break;
            };
            for (key, value) in source {
                found.entry(key.clone()).or_insert_with(|| value.clone());
            }
            next = found.remove(SOURCE);
        }
        Some(found)
    }
}

/// `default` and `profile NAME`; `None` for other sections.
fn profile_name(section: &str) -> Option<String> {
    let section = section.trim().to_ascii_lowercase();
    match section.split_once(char::is_whitespace) {
        Some(("profile", name)) => Some(unquoted(name.trim()).to_owned()),
        None if section == "default" => Some(section),
        _ => None,
    }
}

fn normalized(key: &str) -> String {
    key.trim().chars().filter(|c| !matches!(c, '-' | '_')).collect::<String>().to_ascii_lowercase()
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# a comment
[default]
accessKeyID = id
access-key-secret=secret=with=signs
region=cn-hangzhou

[Profile dev]
source_profile=default
endpoint = http://localhost
[buckets one]
 one = {region=cn-beijing}
 what ossutil understands and this does not
[profile loop]
source-profile=loop
mode=AK
";

    #[test]
    fn names_have_several_spellings() {
        let profile = Profiles::parse(FILE).expect("a file").find("default").expect("default");
        assert_eq!(profile["accesskeyid"], "id");
        assert_eq!(profile["accesskeysecret"], "secret=with=signs");
    }

    #[test]
    fn a_profile_is_completed_by_its_source() {
        let profiles = Profiles::parse(FILE).expect("a file");
        let dev = profiles.find("DEV").expect("dev");
        assert_eq!(dev["endpoint"], "http://localhost");
        assert_eq!(dev["region"], "cn-hangzhou");
        assert_eq!(profiles.find("loop").expect("loop")["mode"], "AK");
        assert!(profiles.find("one").is_none() && profiles.find("buckets one").is_none());
    }

    #[test]
    fn a_line_that_is_none_is_named_by_its_number() {
        assert_eq!(Profiles::parse("[default]\n\nsecret").unwrap_err(), 3);
        assert_eq!(Profiles::parse("[default").unwrap_err(), 1);
    }
}
