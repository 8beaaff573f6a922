// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
//
// libcurl's setopt and getinfo functions are variadic, which Swift can't call: one typed function each instead.
#pragma once
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static inline CURLcode ccurl_set_long(CURL *_Nonnull easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ccurl_set_offset(CURL *_Nonnull easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}

/// libcurl copies the string.
static inline CURLcode ccurl_set_string(CURL *_Nonnull easy, CURLoption option, const char *_Nullable value) {
    return curl_easy_setopt(easy, option, value);
}

/// libcurl keeps the pointer.
static inline CURLcode ccurl_set_pointer(CURL *_Nonnull easy, CURLoption option, void *_Nullable value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ccurl_set_list(CURL *_Nonnull easy, CURLoption option, struct curl_slist *_Nullable value) {
    return curl_easy_setopt(easy, option, value);
}

/// CURLOPT_WRITEFUNCTION, CURLOPT_HEADERFUNCTION, CURLOPT_READFUNCTION.
static inline CURLcode ccurl_set_data_function(
    CURL *_Nonnull easy, CURLoption option,
    size_t (*_Nullable function)(char *_Nullable, size_t, size_t, void *_Nullable)) {
    return curl_easy_setopt(easy, option, function);
}

static inline CURLcode ccurl_set_seek_function(
    CURL *_Nonnull easy, int (*_Nullable function)(void *_Nullable, curl_off_t, int)) {
    return curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, function);
}

static inline CURLcode ccurl_set_open_socket_function(
    CURL *_Nonnull easy,
    curl_socket_t (*_Nullable function)(void *_Nullable, curlsocktype, struct curl_sockaddr *_Nullable)) {
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, function);
}

static inline CURLcode ccurl_set_before_request_function(
    CURL *_Nonnull easy,
    int (*_Nullable function)(void *_Nullable, char *_Nullable, char *_Nullable, int, int)) {
    return curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, function);
}

static inline CURLMcode ccurl_multi_set_long(CURLM *_Nonnull multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

static inline CURLcode ccurl_get_offset(CURL *_Nonnull easy, CURLINFO info, curl_off_t *_Nonnull value) {
    return curl_easy_getinfo(easy, info, value);
}

static inline void *_Nullable ccurl_get_private(CURL *_Nonnull easy) {
    void *value = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &value);
    return value;
}

/// The next finished transfer of a multi handle, or NULL; its result goes to `code`.
static inline CURL *_Nullable ccurl_next_finished(CURLM *_Nonnull multi, CURLcode *_Nonnull code) {
    int left = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            *code = message->data.result;
            return message->easy_handle;
        }
    }
    return NULL;
}

/// Copies an internet address, 4 or 16 bytes, in network order; returns their number, 0 for another family.
static inline int ccurl_address_bytes(const struct curl_sockaddr *_Nonnull address, unsigned char *_Nonnull bytes) {
    if (address->family == AF_INET) {
        __builtin_memcpy(bytes, &((const struct sockaddr_in *)(const void *)&address->addr)->sin_addr, 4);
        return 4;
    }
    if (address->family == AF_INET6) {
        __builtin_memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)&address->addr)->sin6_addr, 16);
        return 16;
    }
    return 0;
}

static inline curl_socket_t ccurl_open_socket(const struct curl_sockaddr *_Nonnull address) {
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/// A new epoll instance that watches an eventfd besides, which goes to `wakeup`; -1 where there is none.
static inline int ccurl_epoll_create(int *_Nonnull wakeup) {
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) return -1;
    *wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint32_t)*wakeup};
    if (*wakeup >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, *wakeup, &event) == 0) return epoll;
    if (*wakeup >= 0) close(*wakeup);
    close(epoll);
    return -1;
}

/// CURLMOPT_SOCKETFUNCTION: watches a socket for what libcurl wants to hear of it. The epoll instance is the context.
///
/// What is wanted travels with each event, in the upper half of its data. A socket that nothing is wanted of (its
/// transfer is paused) leaves the set: epoll would report its end over and over.
static inline int ccurl_watch_socket(
    CURL *_Nullable easy, curl_socket_t socket, int what, void *_Nullable context, void *_Nullable unused) {
    (void)easy;
    (void)unused;
    int epoll = (int)(intptr_t)context;
    uint32_t wanted = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
    if (what == CURL_POLL_REMOVE || wanted == 0) {
        epoll_ctl(epoll, EPOLL_CTL_DEL, socket, NULL);
        return 0;
    }
    struct epoll_event event = {.events = wanted, .data.u64 = (uint64_t)wanted << 32 | (uint32_t)socket};
    if (epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &event) == 0) return 0;
    return errno == ENOENT && epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) == 0 ? 0 : -1;
}

static inline CURLMcode ccurl_multi_watch_sockets(CURLM *_Nonnull multi, int epoll) {
    CURLMcode code = curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, (void *)(intptr_t)epoll);
    return code == CURLM_OK ? curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, ccurl_watch_socket) : code;
}

/// Waits until something can be done with a socket, the eventfd is written to, or the time is over; returns how many
/// events there are.
static inline int ccurl_epoll_wait(int epoll, struct epoll_event *_Nonnull events, int capacity, int milliseconds) {
    int count = epoll_wait(epoll, events, capacity, milliseconds);
    return count < 0 ? 0 : count;
}

/// Tells libcurl of a socket that is ready, or empties the eventfd.
///
/// The end of a connection counts as what was wanted of it: libcurl finds the reason by reading or writing, whereas
/// CURL_CSELECT_ERR would have it stop without one.
static inline void ccurl_multi_take(CURLM *_Nonnull multi, const struct epoll_event *_Nonnull event, int wakeup) {
    int socket = (int)(uint32_t)event->data.u64, running = 0;
    if (socket == wakeup) {
        uint64_t value;
        ssize_t ignored = read(wakeup, &value, sizeof value);
        (void)ignored;
        return;
    }
    uint32_t wanted = (uint32_t)(event->data.u64 >> 32);
    uint32_t is = event->events & (EPOLLERR | EPOLLHUP) ? wanted : event->events & wanted;
    int bits = (is & EPOLLIN ? CURL_CSELECT_IN : 0) | (is & EPOLLOUT ? CURL_CSELECT_OUT : 0);
    curl_multi_socket_action(multi, socket, bits, &running);
}

static inline void ccurl_wake(int wakeup) {
    uint64_t one = 1;
    ssize_t ignored = write(wakeup, &one, sizeof one);
    (void)ignored;
}

/// Names the calling thread for `top` and debuggers.
static inline void ccurl_name_thread(void) { prctl(PR_SET_NAME, "http-transfers", 0, 0, 0); }
