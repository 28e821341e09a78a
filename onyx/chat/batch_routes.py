from flask import Blueprint
blueprint = Blueprint("batch_routes", __name__)
