// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension Catalogue {
    /// Events, the operations endpoint, shutdown and logs.
    enum Operation {
        static let rows: [SettingDefinition] = [
            progress.definition, requireRoute.definition, source.definition, host.definition, port.definition,
            token.definition, tokenFile.definition, grace.definition, level.definition, format.definition,
        ]

        static let progress = SettingKey.boolean(
            "events.progress", false, "Whether start and progress of exports are announced too.")
        static let requireRoute = SettingKey.boolean(
            "events.requireRoute", false,
            "Whether a command waits until somebody has bound a queue to the events exchange.")
        static let source = SettingKey.text(
            "events.source", "nlu-export-worker", .words(), "The ce-source of events.")
        static let host = SettingKey.text("http.host", "127.0.0.1", .host, "The address that is listened on.")
        static let port = SettingKey.integer("http.port", 9464, 0...65_535, "The port; 0: no endpoint.")
        static let token = SettingKey.secret(
            "http.token", .words(4096), example: "change-me",
            "The bearer token that /exports and / ask for; required when http.host is not loopback.")
        static let tokenFile = SettingKey.optionalText(
            "http.tokenFile", .path, example: "/run/secrets/http-token",
            "Instead of token: a file that holds it alone; read again when it changes."
        )
        .instead(of: "http.token")
        static let grace = SettingKey.duration(
            "shutdown.grace", .seconds(25), .milliseconds(100)...Bound.hour * 24, orZero: true,
            "How long running transfers may go on after SIGTERM.")
        static let level = SettingKey<Settings.Log.Level>.choice(
            "log.level", .info, "The least severe level that is logged.")
        static let format = SettingKey<Settings.Log.Format>.choice(
            "log.format", .auto, "One JSON object or one text a line; auto: text on a terminal, else json.")
    }
}
