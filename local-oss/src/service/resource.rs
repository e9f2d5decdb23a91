//! The resource of a request: an object, or a symbolic link with its target.

use std::sync::Arc;

use jiff::Timestamp;

use super::error::OssError;
use crate::address::Address;
use crate::object::{Generation, Kind};
use crate::request::Request;
use crate::store::{Lookup, Store};

/// OSS document "GetObject": for a link, `Content-Length` and `ETag` are the target's, `Last-Modified` is the
/// later one, and all other headers are the link's.
pub(super) struct Resource {
    /// The requested object.
    pub(super) named: Arc<Generation>,
    /// The object whose bytes are sent: the target of a link, otherwise the same object.
    pub(super) content: Arc<Generation>,
}

impl Resource {
    pub(super) fn find(
        store: &Store,
        request: &Request,
        address: &Address,
        now: Timestamp,
    ) -> Result<Self, OssError> {
        let named = find(store, request, address, now)?;
        let content = match named.kind() {
            Kind::Symlink(target) => follow(store, &address.bucket, target, now)?,
            Kind::Normal | Kind::Appendable => named.clone(),
        };
        Ok(Resource { named, content })
    }

    pub(super) fn last_modified(&self) -> Timestamp {
        self.named.last_modified().max(self.content.last_modified())
    }
}

fn find(
    store: &Store,
    request: &Request,
    address: &Address,
    now: Timestamp,
) -> Result<Arc<Generation>, OssError> {
    let version = request.parameter("versionId");
    match store.find(&address.bucket, &address.key, version, now) {
        Lookup::Found(generation) => Ok(generation),
        Lookup::NoSuchBucket => Err(OssError::no_such_bucket(&address.bucket)),
        Lookup::NoSuchKey => Err(OssError::no_such_key(&address.key)),
        Lookup::NoSuchVersion => {
            Err(OssError::no_such_version(&address.key, version.unwrap_or_default()))
        }
        // "GetObject", example with a delete marker as the current version.
        Lookup::Deleted(marker) => Err(OssError::no_such_key(&address.key)
            .header("x-oss-delete-marker", "true")
            .header("x-oss-version-id", marker.version_id())),
        Lookup::MarkerAsked => Err(OssError::delete_marker_asked()),
    }
}

/// "PutSymlink": a link refers to the current version of its target.
fn follow(
    store: &Store,
    bucket: &str,
    target: &str,
    now: Timestamp,
) -> Result<Arc<Generation>, OssError> {
    match store.find(bucket, target, None, now) {
        Lookup::Found(found) if matches!(found.kind(), Kind::Symlink(_)) => {
            Err(OssError::symlink_to_symlink(target))
        }
        Lookup::Found(found) => Ok(found),
        _ => Err(OssError::no_symlink_target(target)),
    }
}
