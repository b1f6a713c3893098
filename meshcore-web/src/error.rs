//! What goes wrong, as the client sees it: a status and `{"error": …}`.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use meshcore_store::db::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

/// The body of every answer that is not a success.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// What was wrong, and what was expected.
    pub error: String,
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// A parameter has a value it cannot have.
    #[error("{parameter}: {expected}")]
    BadParameter {
        /// Its name.
        parameter: &'static str,
        /// What it may be.
        expected: String,
    },

    /// There is no such thing.
    #[error("Not found")]
    NotFound,

    /// The path exists, but not with this method.
    #[error("method not allowed")]
    MethodNotAllowed,

    /// The database cannot answer; the log says why.
    #[error("the database cannot answer right now")]
    Store(#[source] StoreError),

    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::BadParameter { .. } => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        if let Self::Store(cause) = self {
            tracing::error!(error = %cause, "a request could not be answered");
        }
        let mut response = HttpResponse::build(self.status_code()).json(Problem { error: self.to_string() });
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
