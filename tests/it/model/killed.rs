//! A run in a process of its own, which is killed.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use oss_resumable::Client;

use super::plan::RequestPlan;
use super::request::Site;

/// The environment variable with the order for the process.
const ORDER: &str = "MODEL_DOWNLOAD";

/// Longer than any run takes.
const LIMIT: Duration = Duration::from_secs(60);

#[test]
#[ignore = "runs in a process that the model kills"]
fn run() {
    let order = std::env::var(ORDER).expect("run by the model");
    let (site, plan): (Site, RequestPlan) = serde_json::from_str(&order).expect("an order");
    let client = Client::new(site.options(&plan, LIMIT)).expect("client");
    // The result does not matter: the model checks the files.
    let _ = client.download(&site.request(&plan));
}

/// Starts the download, and kills it `after` it was seen running.
pub fn start_and_kill(
    site: &Site,
    plan: &RequestPlan,
    at_work: impl Fn() -> bool,
    after: Duration,
) {
    let order = serde_json::to_string(&(site, plan)).expect("an order");
    let child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "--ignored", "--nocapture", "model::killed::run"])
        .env(ORDER, order)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = Killed(child.expect("a process"));
    let give_up_at = Instant::now() + LIMIT;
    while !at_work() && child.is_running() {
        assert!(Instant::now() < give_up_at, "the process does nothing");
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(after);
}

/// Killed when dropped.
struct Killed(Child);

impl Killed {
    fn is_running(&mut self) -> bool {
        self.0.try_wait().expect("its state").is_none()
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}
