// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CCurl

/// The functions libcurl calls, on the loop's thread only, with the transfer as their context.
///
/// The context is unretained: `EasyHandle.attach` retains the transfer for as long as libcurl may call.
enum CurlCallbacks {
    static let header: curl_write_callback = { data, size, count, context in
        guard let transfer = unsafe transfer(context) else { return 0 }
        let line = unsafe [UInt8](UnsafeRawBufferPointer(start: data, count: size * count))
        return transfer.receiveHeader(line) == .taken ? size * count : 0
    }

    static let body: curl_write_callback = { data, size, count, context in
        guard let transfer = unsafe transfer(context) else { return 0 }
        let piece = unsafe UnsafeRawBufferPointer(start: data, count: size * count)
        switch unsafe transfer.receiveBody(piece, now: transfer.easy?.clock.now ?? 0) {
        case .taken: return size * count
        case .pause: return Int(CURL_WRITEFUNC_PAUSE)
        case .fail: return 0
        }
    }

    static let read: curl_read_callback = { data, size, count, context in
        guard let transfer = unsafe transfer(context) else { return Int(CURL_READFUNC_ABORT) }
        return unsafe transfer.send(into: UnsafeMutableRawBufferPointer(start: data, count: size * count))
    }

    static let seek: curl_seek_callback = { context, offset, origin in
        guard let transfer = unsafe transfer(context) else { return CURL_SEEKFUNC_FAIL }
        return transfer.seek(to: Int64(offset), origin: origin)
    }

    /// Refuses addresses before a connection is made to them.
    static let openSocket: curl_opensocket_callback = { context, _, address in
        guard let transfer = unsafe transfer(context), let address = unsafe address else { return CURL_SOCKET_BAD }
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = unsafe ccurl_address_bytes(address, &bytes)
        guard IPAddress(bytes: bytes.prefix(Int(count)))?.isPublic == true else {
            transfer.refusedAddress = true
            return CURL_SOCKET_BAD
        }
        return unsafe ccurl_open_socket(address)
    }

    /// Called when a connection is there, new or kept, and before anything is sent on it.
    static let beforeRequest: curl_prereq_callback = { context, address, _, _, _ in
        guard let transfer = unsafe transfer(context), let address = unsafe address else {
            return CURL_PREREQFUNC_ABORT
        }
        let mayUse = unsafe transfer.mayUse(connectedAddress: String(cString: address))
        return mayUse ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
    }

    private static func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer? {
        guard let context = unsafe context else { return nil }
        return unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    }
}
