//! Listening: routes, limits, and an orderly end.

use std::net::{IpAddr, TcpListener};

use actix_web::dev::{Server as ActixServer, ServerHandle};
use actix_web::guard::{self, GuardContext};
use actix_web::http::header::UPGRADE;
use actix_web::middleware::Compress;
use actix_web::{App as ActixApp, HttpServer, web};
use anyhow::Context;

use crate::app::App;
use crate::{api, assets, live, mqtt};

/// Threads that answer requests.
const WORKERS: usize = 2;
/// Threads per worker that wait for the database.
const BLOCKING_THREADS: usize = 4;
/// Seconds a request under way may take when the server stops.
const SHUTDOWN_S: u64 = 2;

/// The bound port, before anything else is started: a taken port must be known before a database is opened.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
}

impl Server {
    /// Takes the port.
    ///
    /// # Errors
    /// When the address cannot be used; the message says which and why.
    pub fn bind(address: IpAddr, port: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((address, port))
            .with_context(|| format!("cannot listen on {address} port {port}"))?;
        Ok(Self { listener })
    }

    /// Where a browser on this machine finds the page.
    pub fn url(&self) -> String {
        match self.listener.local_addr() {
            Ok(address) if address.ip().is_unspecified() => format!("http://localhost:{}", address.port()),
            Ok(address) => format!("http://{address}"),
            Err(_) => "http://localhost".into(),
        }
    }

    /// Starts to answer.
    ///
    /// # Errors
    /// When the port cannot be listened on.
    pub fn start(self, app: web::Data<App>) -> anyhow::Result<(ActixServer, ServerHandle)> {
        let server = HttpServer::new(move || ActixApp::new().configure(|config| routes(config, app.clone())))
            .workers(WORKERS)
            .worker_max_blocking_threads(BLOCKING_THREADS)
            .shutdown_timeout(SHUTDOWN_S)
            .disable_signals()
            .listen(self.listener)
            .context("cannot listen")?
            .run();
        let handle = server.handle();
        Ok((server, handle))
    }
}

/// All routes: the API, the live feed, the way to the broker, and the page for everything else.
pub fn routes(config: &mut web::ServiceConfig, app: web::Data<App>) {
    let has_broker = app.door().is_some();
    config.app_data(app).service(web::scope("/api").wrap(Compress::default()).configure(api::routes));
    if has_broker {
        // Observers are told a host and a port, and ask for `/`; what they want is said by the sub-protocol.
        for path in ["/mqtt", "/"] {
            let is_mqtt = guard::All(guard::fn_guard(is_upgrade)).and(guard::fn_guard(mqtt::is_asked_for));
            config.service(web::resource(path).guard(is_mqtt).to(mqtt::open));
        }
    }
    config
        .service(web::resource("/ws").guard(guard::fn_guard(is_upgrade)).to(live::session::open))
        .service(web::resource("/").guard(guard::fn_guard(is_upgrade)).to(live::session::open))
        .default_service(web::to(assets::serve));
}

fn is_upgrade(context: &GuardContext<'_>) -> bool {
    let upgrade = context.head().headers().get(UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket"))
}
