// A server, a tap on the wire to it, a directory, and the SDK's client with this library's
// downloads.
#ifndef TESTS_SDK_LAB_HPP
#define TESTS_SDK_LAB_HPP

#include <chrono>
#include <string>

#include <oss_resumable/oss_resumable_sdk.hpp>

#include "server_fixture.hpp"

namespace tests {

using Client = oss_resumable::OssClient;

class Fixture : public ServerFixture {
public:
    using ServerFixture::ServerFixture;

    Client client(const sdk::ClientConfiguration &configuration = sdk::ClientConfiguration()) {
        return Client(wire.endpoint(), "id", "secret", configuration);
    }
};

// Time since it was made.
class Stopwatch {
public:
    double seconds() const {
        const auto passed = std::chrono::steady_clock::now() - start_;
        return std::chrono::duration<double>(passed).count();
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Gives up at the first failure.
class NoRetry : public sdk::RetryStrategy {
public:
    bool shouldRetry(const sdk::Error &, long) const override { return false; }
    long calcDelayTimeMs(const sdk::Error &, long) const override { return 0; }
};

} // namespace tests

#endif
