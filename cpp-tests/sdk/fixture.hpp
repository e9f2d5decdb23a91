// A server, a tap on the connections to it, a directory, and the SDK's client with this library's
// downloads.
#ifndef TESTS_SDK_LAB_HPP
#define TESTS_SDK_LAB_HPP

#include <string>

#include <oss_resumable/oss_resumable_sdk.hpp>

#include "server_fixture.hpp"

namespace tests {

using Client = oss_resumable::OssClient;

class Fixture : public ServerFixture {
public:
    explicit Fixture(const Strings &arguments = {}) : ServerFixture(arguments) {}

    Client client(const sdk::ClientConfiguration &configuration = sdk::ClientConfiguration()) {
        return Client(wire.endpoint(), "id", "secret", configuration);
    }
};

// Fails at the first error.
class NoRetry : public sdk::RetryStrategy {
public:
    bool shouldRetry(const sdk::Error &, long) const override { return false; }
    long calcDelayTimeMs(const sdk::Error &, long) const override { return 0; }
};

} // namespace tests

#endif
