// A relay between a client and a server, on a free port, that records the client's requests.
#ifndef TESTS_WIRE_TAP_HPP
#define TESTS_WIRE_TAP_HPP

#include <algorithm>
#include <atomic>
#include <cctype>
#include <list>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tests {

// One request as it was sent.
struct WireRequest {
    std::string head;

    std::string target() const {
        const size_t start = head.find(' ') + 1;
        return head.substr(start, head.find(' ', start) - start);
    }
    bool has(const std::string &name) const { return position(name) != std::string::npos; }
    // The value of a header, or an empty string.
    std::string header(const std::string &name) const {
        const size_t at = position(name);
        if (at == std::string::npos) {
            return "";
        }
        const size_t start = head.find_first_not_of(' ', at + name.size() + 3);
        return head.substr(start, head.find("\r\n", start) - start);
    }

private:
    size_t position(const std::string &name) const {
        const auto lower = [](std::string text) {
            std::transform(text.begin(), text.end(), text.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            return text;
        };
        return lower(head).find("\r\n" + lower(name) + ":");
    }
};

class WireTap {
public:
    // `server` is "http://127.0.0.1:PORT", or "https://…", whose requests cannot be read.
    explicit WireTap(const std::string &server)
        : scheme_(server.substr(0, server.find("://") + 3)),
          server_(address(std::stoi(server.substr(server.rfind(':') + 1)))) {
        listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in own = address(0);
        socklen_t length = sizeof own;
        if (bind(listener_, reinterpret_cast<sockaddr *>(&own), length) != 0 ||
            listen(listener_, 64) != 0 ||
            getsockname(listener_, reinterpret_cast<sockaddr *>(&own), &length) != 0) {
            throw std::runtime_error("cannot listen");
        }
        port_ = ntohs(own.sin_port);
        acceptor_ = std::thread([this] { accept_all(); });
    }
    ~WireTap() {
        shutdown(listener_, SHUT_RDWR);
        acceptor_.join();
        for (Relay &relay : relays_) {
            shutdown(relay.client, SHUT_RDWR);
            shutdown(relay.server, SHUT_RDWR);
            relay.up.join();
            relay.down.join();
            close(relay.client);
            close(relay.server);
        }
        close(listener_);
    }
    WireTap(const WireTap &) = delete;
    WireTap &operator=(const WireTap &) = delete;

    unsigned port() const { return port_; }
    std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
    std::string endpoint() const { return scheme_ + host(); }
    // Largest number of connections that were open at the same time.
    int mostConnections() const { return most_; }
    // Addresses from which connections were made.
    std::vector<std::string> peers() const {
        std::lock_guard<std::mutex> lock(mutex_);
        return peers_;
    }
    // The complete requests so far, in order within each connection.
    std::vector<WireRequest> requests() const {
        std::lock_guard<std::mutex> lock(mutex_);
        std::vector<WireRequest> requests;
        for (const Relay &relay : relays_) {
            size_t start = 0, end;
            while ((end = relay.sent.find("\r\n\r\n", start)) != std::string::npos) {
                requests.push_back(WireRequest{relay.sent.substr(start, end + 2 - start)});
                start = end + 4;
            }
        }
        return requests;
    }

private:
    struct Relay {
        int client, server;
        std::string sent;
        std::thread up, down;
    };

    static sockaddr_in address(int port) {
        sockaddr_in address = sockaddr_in();
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return address;
    }

    void accept_all() {
        sockaddr_in peer;
        socklen_t length = sizeof peer;
        int client;
        while ((client = accept4(listener_, reinterpret_cast<sockaddr *>(&peer), &length,
                                 SOCK_CLOEXEC)) >= 0) {
            const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            if (connect(server, reinterpret_cast<const sockaddr *>(&server_), sizeof server_) !=
                0) {
                close(client);
                close(server);
                continue;
            }
            open_ += 1;
            most_ = std::max(most_.load(), open_.load());
            std::lock_guard<std::mutex> lock(mutex_);
            char name[INET_ADDRSTRLEN];
            peers_.push_back(inet_ntop(AF_INET, &peer.sin_addr, name, sizeof name));
            relays_.push_back(Relay{client, server, "", std::thread(), std::thread()});
            Relay &relay = relays_.back();
            relay.up = std::thread([this, &relay] { copy(relay.client, relay.server, &relay); });
            relay.down = std::thread([this, &relay] {
                copy(relay.server, relay.client, nullptr);
                open_ -= 1;
            });
        }
    }

    void copy(int from, int to, Relay *keeper) {
        char block[65536];
        ssize_t count;
        while ((count = recv(from, block, sizeof block, 0)) > 0) {
            if (keeper) {
                std::lock_guard<std::mutex> lock(mutex_);
                keeper->sent.append(block, static_cast<size_t>(count));
            }
            for (ssize_t done = 0, now; done < count; done += now) {
                now = send(to, block + done, static_cast<size_t>(count - done), MSG_NOSIGNAL);
                if (now <= 0) {
                    shutdown(from, SHUT_RDWR);
                    return;
                }
            }
        }
        shutdown(to, SHUT_RDWR);
    }

    const std::string scheme_;
    const sockaddr_in server_;
    int listener_ = -1;
    unsigned port_ = 0;
    std::thread acceptor_;
    mutable std::mutex mutex_;
    std::list<Relay> relays_;
    std::vector<std::string> peers_;
    std::atomic<int> open_{0}, most_{0};
};

} // namespace tests

#endif
