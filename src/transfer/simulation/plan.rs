//! The plan of a life: everything that its seed decides before it begins. Playing a plan twice gives the same life.

use std::time::Duration;

use crate::model::request::Order;

use super::disk::{Damage, DiskPlan, Occupied};

/// A life: an object, the way to it, a disk, and runs of downloads of the object, one after another or at once.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the plan leaves to chance follows from this.
    pub seed: u64,
    pub object: ObjectPlan,
    /// What becomes of the object meanwhile, in order.
    pub changes: Vec<(When, Change)>,
    /// The object is downloaded from a URL.
    pub url: Option<UrlPlan>,
    pub service: ServicePlan,
    pub path: PathPlan,
    pub faults: Vec<RequestFault>,
    pub disk: DiskPlan,
    /// Bytes of another content are at the target at first.
    pub old_target: Option<u64>,
    /// The C++ SDK has left a record at first.
    pub sdk: Option<SdkPlan>,
    pub runs: Vec<RunPlan>,
    /// A life in which more happens is not played to its end.
    pub most_happenings: u64,
}

/// The URL of an object. It expires as the keys of a client would.
#[derive(Clone, Copy, Debug)]
pub struct UrlPlan {
    /// It redirects to addresses that are valid for this time.
    pub redirects: Option<Duration>,
    /// A range that ends beyond the object is ignored.
    pub oss_ranges: bool,
}

/// The object at first.
#[derive(Clone, Copy, Debug)]
pub struct ObjectPlan {
    pub size: u64,
    pub appendable: bool,
    pub sends_crc: bool,
    pub etag: EtagKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EtagKind {
    Strong,
    Weak,
    Absent,
}

/// When the object changes.
#[derive(Clone, Copy, Debug)]
pub enum When {
    At(Duration),
    /// Before the service answers this request, counted from 0 over all runs.
    Request(u64),
}

#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// Another content of this size.
    Replaced(u64),
    /// Bytes are appended.
    Grown(u64),
    Deleted,
}

/// How the service behaves, to every request.
#[derive(Clone, Debug, Default)]
pub struct ServicePlan {
    /// It sends the whole object whatever the range.
    pub ignores_ranges: bool,
    /// It answers 412 to its own ETag.
    pub refuses_etag: bool,
    /// The object is a symbolic link, whose CRC-64 is sent instead of the object's.
    pub symlink: bool,
    /// Time from a request to its reply, besides the round trip.
    pub think: Duration,
    /// Requests per second that it accepts.
    pub requests_per_second: Option<u64>,
    /// Requests at once that it accepts.
    pub active_requests: Option<usize>,
    /// Bytes per second, for everybody. When its connections could take more, it delays replies and says so.
    pub bandwidth: Option<u64>,
    /// When its connections could take more than its bandwidth, it refuses requests instead.
    pub refuses_traffic: bool,
    /// What a reply that throttles asks for.
    pub asks: RetryAfter,
    pub throttles_with: Throttling,
    pub outages: Vec<Outage>,
}

/// How a service says that it throttles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Throttling {
    #[default]
    Unavailable,
    TooManyRequests,
    TrafficLimit,
    ActiveRequests,
    SlowDown,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RetryAfter {
    #[default]
    Absent,
    Seconds(u64),
    /// As a date.
    Date(u64),
}

/// A time in which nobody can use the service.
#[derive(Clone, Copy, Debug)]
pub struct Outage {
    pub from: Duration,
    pub until: Duration,
    pub kind: OutageKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutageKind {
    /// Names cannot be looked up.
    NoNames,
    /// Connections are refused, and existing ones break.
    Refused,
    /// Packets are lost.
    Silent,
    /// The service answers that it is busy.
    Busy,
}

/// The way to the service. Rates are in bytes per second.
#[derive(Clone, Copy, Debug)]
pub struct PathPlan {
    pub round_trip: Duration,
    pub tls: bool,
    /// Rate of a connection.
    pub rate: u64,
    /// Every `.0`th connection has the `.1`th part of the rate.
    pub uneven: Option<(u64, u64)>,
    /// Rate of all connections together.
    pub link: Option<u64>,
    /// A connection starts slowly, and doubles its rate with each round trip.
    pub slow_start: bool,
    /// Bytes of a connection arrive at this interval.
    pub burst: Duration,
    /// Every `.0`th connection is reset after `.1` bytes.
    pub dying: Option<(u64, u64)>,
    /// A process needs this long to notice an event.
    pub latency: Duration,
}

/// Something goes wrong with some requests.
#[derive(Clone, Copy, Debug)]
pub struct RequestFault {
    pub which: Which,
    pub kind: FaultKind,
}

/// Some of all requests of a life, counted from 0 over all runs.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    Number(u64),
    /// This one and all later ones, up to that one.
    Between(u64, u64),
    /// Every `.0`th, beginning with `.1`.
    Every(u64, u64),
    /// Of a thousand, so many.
    PerMille(u64),
}

/// Positions in a body are in thousandths of its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    NoName,
    ConnectionRefused,
    ConnectTimeout,
    Handshake,
    /// Closed without a byte.
    NoReply,
    /// Closed within the headers.
    HeadCut,
    /// Nothing comes after the connection was made.
    Silent,
    SlowHead(Duration),
    /// The connection is reset.
    Reset(u64),
    /// The body ends.
    Short(u64),
    /// No byte comes any more.
    Stall(u64),
    /// A bit of this byte is flipped.
    Flip(u64),
    /// The reply says that it was delayed by so many milliseconds.
    Delayed(u64),
    Refusal(Refusal),
    Shape(Shape),
}

/// An error of the service, or of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    /// Without one it is a page of a proxy.
    pub code: Option<&'static str>,
    pub asks: RetryAfter,
}

/// A wrong shape of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The whole object to a range.
    RangeIgnored,
    OtherRange,
    WrongLength,
    WrongTotal,
    NoTotal,
    NoContentRange,
    NoEtag,
    WeakEtag,
    OtherEtag,
    NoCrc,
    WrongCrc,
    /// Not HTTP.
    Garbage,
    Compressed,
    /// Without any header of OSS.
    NotOss,
    /// Chunked, and no length.
    NoLength,
    TwoLengths,
}

/// What the C++ SDK has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SdkPlan {
    /// Parts of the object, and a record of them.
    Right,
    /// Parts of an object of the same size.
    OfAnotherObject,
    /// The bytes are not those that the record lists.
    WithoutBytes,
    /// Not a record.
    Unusable,
}

/// One run of a download.
#[derive(Clone, Debug)]
pub struct RunPlan {
    pub start: Start,
    pub request: RequestPlan,
    pub client: ClientPlan,
    pub end: Option<End>,
    /// The power fails before it.
    pub power_fails: bool,
    /// What happens to the files before it.
    pub damage: Vec<Damage>,
    /// What other programs do to the files while it runs, this long after its start.
    pub meanwhile: Vec<(Duration, Damage)>,
    /// Pauses: this long after its start, for this long. They may overlap.
    pub pauses: Vec<(Duration, Duration)>,
    /// Another process has a file of the download locked.
    pub occupied: Option<Occupied>,
    /// For so long, if the run waits; otherwise until it ends.
    pub occupied_for: Duration,
    /// The faults have ended, and it must succeed.
    pub clean: bool,
    /// It is a download of the previous run's client, whose options and connections it shares.
    pub same_client: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum Start {
    /// This long after the previous run has ended.
    After(Duration),
    /// This long after the previous run has started.
    With(Duration),
}

/// What ends a run before it ends by itself.
#[derive(Clone, Copy, Debug)]
pub enum End {
    Cancel(Duration),
    Kill(Moment),
    /// Everything that runs is killed, and what was not flushed may be lost.
    PowerLoss(Moment),
}

#[derive(Clone, Copy, Debug)]
pub enum Moment {
    After(Duration),
    /// Before the nth call of the network's and the inbox's interfaces.
    Call(u64),
    /// Before the nth step of the disk.
    DiskStep(u64),
}

/// What a run asks for; see [`crate::model::request::DownloadRequest`].
#[derive(Clone, Copy, Debug)]
pub struct RequestPlan {
    /// Different numbers are different target files.
    pub target: usize,
    pub part_size: u64,
    pub thread_num: u32,
    pub auto_concurrency: bool,
    pub checkpoint: bool,
    /// First and last byte.
    pub range: Option<(i64, i64)>,
    pub processed: Option<Processed>,
    pub condition: Option<Condition>,
    pub flush: bool,
    pub preallocate: bool,
    pub check_space: bool,
    pub verify_before_rename: bool,
    pub keep_target: bool,
    pub set_modified_time: bool,
    pub deadline: Option<Duration>,
    /// Bytes per second.
    pub max_bandwidth: u64,
    /// Bits per second for each connection.
    pub traffic_limit: u64,
    pub order: Order,
    /// An existing file is compared first.
    pub if_different: bool,
    /// It waits for another run.
    pub waits: bool,
    pub expects: Option<Expects>,
}

/// A digest that a run expects of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expects {
    pub digest: Digest,
    /// It is that of the current generation when the run starts; otherwise of nothing.
    pub right: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    Sha256,
    Md5,
    Crc64,
    All,
}

/// How a processed object is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processed {
    WithLength,
    Chunked,
    /// The document of an error is sent in its place.
    Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// If-Match of the first generation.
    Match,
    /// If-None-Match of the first generation.
    NoneMatch,
    /// If-Match of another ETag.
    MatchOther,
}

/// The options of a run's client; see [`crate::model::options::ClientOptions`].
#[derive(Clone, Copy, Debug)]
pub struct ClientPlan {
    pub max_attempts: u32,
    pub verify_crc: bool,
    pub correct_clock: bool,
    pub connect_timeout: Option<Duration>,
    pub idle_timeout: Option<Duration>,
    pub first_byte_limit: Option<Duration>,
    pub no_progress_limit: Option<Duration>,
    pub throttle_limit: Option<Duration>,
    pub max_bandwidth: u64,
    pub max_connections: u32,
    pub retry: RetryPlan,
    pub credentials: CredentialsPlan,
    /// Seconds by which the machine's clock is ahead of the service's.
    pub skew: i64,
}

/// A callback that decides about retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryPlan {
    /// None is set.
    Absent,
    /// It always leaves the decision to the library.
    Default,
    /// It retries after this time, at most so many attempts.
    After(Duration, u32),
    Stop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialsPlan {
    Static,
    /// A static key that expires.
    Expiring(Duration),
    Provider(ProviderPlan),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderPlan {
    /// For which its keys are valid.
    pub lifetime: Duration,
    /// Whether its keys say so.
    pub announces: bool,
    /// Time that it takes.
    pub takes: Duration,
    /// The call that it does not answer, counted from 0.
    pub hangs_at: Option<u64>,
    /// Every `n`th call gives no key.
    pub fails_every: Option<u64>,
}

impl Which {
    /// Whether request `number` is one of them; `chance` is uniform in 0..1000 and belongs to the two.
    pub fn is(self, number: u64, chance: u64) -> bool {
        match self {
            Which::Number(n) => n == number,
            Which::Between(first, last) => (first..=last).contains(&number),
            Which::Every(n, first) => number >= first && (number - first).is_multiple_of(n.max(1)),
            Which::PerMille(n) => chance < n,
        }
    }
}
