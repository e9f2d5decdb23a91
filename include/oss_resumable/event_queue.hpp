/**
 * @file event_queue.hpp
 * @brief Event queues. Include oss_resumable.hpp instead.
 */
#ifndef OSS_RESUMABLE_EVENT_QUEUE_HPP
#define OSS_RESUMABLE_EVENT_QUEUE_HPP

#include <chrono>
#include <cstdint>
#include <memory>

#include "oss_resumable.h"
#include "outcome.hpp"

namespace oss_resumable {

/** Something that happened to a download: `kind` is one of the `OSS_RESUMABLE_EVENT_…` values. */
using Event = oss_resumable_event;

/** Collects the events of any number of downloads, of one or several clients, so that one thread
 * can follow them all:
 * @code
 * oss_resumable::EventQueue queue;
 * request.setEventQueue(queue, tag);
 * auto download = client.StartDownload(request);
 * oss_resumable::Event event = OSS_RESUMABLE_EVENT_INIT;
 * while (queue.Next(event)) { … }
 * @endcode
 * Cheap to copy; copies are the same queue. Thread-safe. It is freed with its last copy and the
 * last request that refers to it; downloads may still run then. ::oss_resumable_event_queue
 * describes the events. */
class EventQueue {
public:
    EventQueue() {
        oss_resumable_event_queue *queue = nullptr;
        oss_resumable_error *error = nullptr;
        oss_resumable_event_queue_new(&queue, &error);
        queue_.reset(queue, oss_resumable_event_queue_free);
        error_ = Error(error);
    }

    /** Whether the queue was created. If not, it has no events, and error() is set. */
    bool isValid() const { return queue_ != nullptr; }
    const Error &error() const { return error_; }

    /** Waits for the next event, at most for `timeout`. On time-out it returns false and does not
     * write `event`; so it does at once where no event can come: in a forked child and of a queue
     * that is not valid. */
    bool Next(std::chrono::milliseconds timeout, Event &event) const {
        const auto ms = static_cast<int64_t>(timeout.count());
        return next(ms < 0 ? 0 : ms, event);
    }
    /** Waits for the next event without a limit, also while no download refers to the queue.
     * Returns false only where no event can come. */
    bool Next(Event &event) const { return next(-1, event); }

    /** A descriptor that is readable while events wait; see oss_resumable_event_queue_fd(). -1 if
     * the queue is not valid. */
    int Fd() const { return oss_resumable_event_queue_fd(queue_.get()); }

    oss_resumable_event_queue *get() const { return queue_.get(); }

private:
    bool next(int64_t timeout_ms, Event &event) const {
        Event taken = OSS_RESUMABLE_EVENT_INIT;
        if (oss_resumable_event_queue_next(queue_.get(), timeout_ms, &taken) != OSS_RESUMABLE_OK) {
            return false;
        }
        event = taken;
        return true;
    }

    std::shared_ptr<oss_resumable_event_queue> queue_;
    Error error_;
};

} // namespace oss_resumable

#endif /* OSS_RESUMABLE_EVENT_QUEUE_HPP */
