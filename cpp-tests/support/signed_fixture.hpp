// A server that requires signatures, a tap on the connections to it, and a directory.
#ifndef TESTS_SIGNED_FIXTURE_HPP
#define TESTS_SIGNED_FIXTURE_HPP

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "local_oss.hpp"
#include "wire_tap.hpp"

namespace tests {

using Strings = std::vector<std::string>;

const uint64_t PART = 102400;

// The server accepts only requests signed with id and secret.
class SignedFixture {
public:
    explicit SignedFixture(const Strings &arguments)
        : oss(withKey(arguments), directory.path("server.log")), wire(oss.endpoint()) {}

    std::string file() const { return directory.path("file"); }
    // The names in the directory, except the server's log.
    Strings files() const {
        Strings names = directory.names();
        names.erase(std::remove(names.begin(), names.end(), "server.log"), names.end());
        return names;
    }
    WireRequest firstRequest() const {
        const auto requests = wire.requests();
        return requests.empty() ? WireRequest{"nothing was sent"} : requests[0];
    }

    TemporaryDirectory directory;
    LocalOss oss;
    WireTap wire;

private:
    static Strings withKey(Strings arguments) {
        arguments.insert(arguments.end(),
                         {"--access-key-id", "id", "--access-key-secret", "secret"});
        return arguments;
    }
};

// Time since its construction.
class Stopwatch {
public:
    double seconds() const {
        const auto passed = std::chrono::steady_clock::now() - start_;
        return std::chrono::duration<double>(passed).count();
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

} // namespace tests

#endif
