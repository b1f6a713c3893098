//! The API, by noun. Unknown paths answer 404, wrong methods 405, both as JSON.

pub mod client_config;
pub mod ingest;
pub mod nodes;
pub mod observers;
pub mod packets;
pub mod params;
pub mod stats;

use actix_web::http::header::{ALLOW, CACHE_CONTROL};
use actix_web::middleware::DefaultHeaders;
use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, ResponseError, web};
use utoipa::OpenApi;

use crate::error::{ApiError, Problem};
use crate::live::frame::LiveFrame;

/// The OpenAPI document: what the handlers take and give.
#[derive(OpenApi)]
#[openapi(
    info(title = "CoreScope", description = "What a MeshCore mesh said, who heard it, and how well."),
    paths(
        packets::list,
        packets::get,
        nodes::list,
        observers::list,
        stats::stats,
        stats::healthz,
        ingest::mqtt_status,
        client_config::client
    ),
    components(schemas(LiveFrame, Problem))
)]
pub struct Document;

/// Registers everything below `/api`.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config
        .app_data(web::QueryConfig::default().error_handler(|error, _| {
            ApiError::BadParameter { parameter: "query", expected: error.to_string() }.into()
        }))
        .service(get("/packets", packets::list))
        .service(get("/packets/{id}", packets::get))
        .service(get("/nodes", nodes::list))
        .service(get("/observers", observers::list))
        .service(get("/stats", stats::stats))
        .service(get("/healthz", stats::healthz))
        .service(get("/mqtt/status", ingest::mqtt_status))
        .service(get("/config/client", client_config::client))
        .default_service(web::to(not_found));
}

/// A path that answers GET and HEAD, and refuses the other methods by name.
fn get<F, Args>(
    path: &str,
    handler: F,
) -> Resource<
    impl actix_web::dev::ServiceFactory<
        actix_web::dev::ServiceRequest,
        Config = (),
        Response = actix_web::dev::ServiceResponse<impl actix_web::body::MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
>
where
    F: Handler<Args> + Clone,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path)
        .wrap(DefaultHeaders::new().add((CACHE_CONTROL, "no-store")))
        .route(web::get().to(handler.clone()))
        .route(web::head().to(handler))
        .default_service(web::to(method_not_allowed))
}

async fn not_found() -> HttpResponse {
    ApiError::NotFound.error_response()
}

async fn method_not_allowed() -> HttpResponse {
    let mut response = ApiError::MethodNotAllowed.error_response();
    response.headers_mut().insert(ALLOW, actix_web::http::header::HeaderValue::from_static("GET, HEAD"));
    response
}
